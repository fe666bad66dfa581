"""Runs 0047_pre_import_rulebooks.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0047"
down_revision: str | None = "0046"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0047_pre_import_rulebooks.sql")
