"""Runs 0008_pre_log_looks.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0008"
down_revision: str | None = "0007"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0008_pre_log_looks.sql")
