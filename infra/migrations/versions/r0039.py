"""Runs 0039_pre_keep_drafts.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0039"
down_revision: str | None = "0038"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0039_pre_keep_drafts.sql")
