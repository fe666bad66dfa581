"""Runs 0002_pre_create_orders.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0002_pre_create_orders.sql")
