"""Runs 0027_pre_republish_events.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0027"
down_revision: str | None = "0026"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0027_pre_republish_events.sql")
