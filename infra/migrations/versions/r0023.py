"""Runs 0023_pre_ask_issuers.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0023"
down_revision: str | None = "0022"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0023_pre_ask_issuers.sql")
