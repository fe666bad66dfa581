"""Runs 0052_pre_index_follow_ups.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0052"
down_revision: str | None = "0051"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0052_pre_index_follow_ups.sql")
