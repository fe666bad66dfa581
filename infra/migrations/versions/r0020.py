"""Runs 0020_pre_guard_writers.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0020"
down_revision: str | None = "0019"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0020_pre_guard_writers.sql")
