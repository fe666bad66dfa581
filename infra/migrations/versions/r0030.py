"""Runs 0030_pre_number_orders.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0030"
down_revision: str | None = "0029"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0030_pre_number_orders.sql")
