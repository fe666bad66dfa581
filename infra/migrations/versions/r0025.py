"""Runs 0025_pre_show_waiting_orders.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0025"
down_revision: str | None = "0024"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0025_pre_show_waiting_orders.sql")
