"""Runs 0013_pre_hold_sources.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0013"
down_revision: str | None = "0012"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0013_pre_hold_sources.sql")
