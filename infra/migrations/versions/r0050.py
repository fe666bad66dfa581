"""Runs 0050_pre_keep_stories.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0050"
down_revision: str | None = "0049"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0050_pre_keep_stories.sql")
