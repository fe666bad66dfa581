"""Runs 0054_pre_keep_forms.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0054"
down_revision: str | None = "0053"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0054_pre_keep_forms.sql")
