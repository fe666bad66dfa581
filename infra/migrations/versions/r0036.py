"""Runs 0036_pre_claim_letters.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0036"
down_revision: str | None = "0035"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0036_pre_claim_letters.sql")
