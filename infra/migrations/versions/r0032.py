"""Runs 0032_pre_claim_tasks.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0032"
down_revision: str | None = "0031"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0032_pre_claim_tasks.sql")
