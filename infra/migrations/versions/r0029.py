"""Runs 0029_pre_bind_sessions.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0029"
down_revision: str | None = "0028"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0029_pre_bind_sessions.sql")
