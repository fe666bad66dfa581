"""Runs 0037_pre_wake_relays.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0037"
down_revision: str | None = "0036"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0037_pre_wake_relays.sql")
