"""Runs 0017_pre_know_logs.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0017"
down_revision: str | None = "0016"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0017_pre_know_logs.sql")
