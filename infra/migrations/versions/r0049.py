"""Runs 0049_pre_end_work_done.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0049"
down_revision: str | None = "0048"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0049_pre_end_work_done.sql")
