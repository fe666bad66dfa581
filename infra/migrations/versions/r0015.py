"""Runs 0015_pre_tell_as_the_order_says.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0015"
down_revision: str | None = "0014"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0015_pre_tell_as_the_order_says.sql")
