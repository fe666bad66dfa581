"""Runs 0003_pre_create_work.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0003_pre_create_work.sql")
