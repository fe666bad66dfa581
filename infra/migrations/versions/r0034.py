"""Runs 0034_pre_index_orders.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0034"
down_revision: str | None = "0033"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0034_pre_index_orders.sql")
