"""Runs 0043_pre_wake_while_there_is_room.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0043"
down_revision: str | None = "0042"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0043_pre_wake_while_there_is_room.sql")
