"""Runs 0021_pre_load_in_part.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0021"
down_revision: str | None = "0020"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0021_pre_load_in_part.sql")
