"""Runs 0022_pre_grow_topics.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0022"
down_revision: str | None = "0021"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0022_pre_grow_topics.sql")
