"""Runs 0019_pre_meet_incarnations.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0019"
down_revision: str | None = "0018"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0019_pre_meet_incarnations.sql")
