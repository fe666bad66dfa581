"""Runs 0007_pre_end_keeping.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0007"
down_revision: str | None = "0006"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0007_pre_end_keeping.sql")
