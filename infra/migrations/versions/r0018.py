"""Runs 0018_pre_seal_history.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0018"
down_revision: str | None = "0017"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0018_pre_seal_history.sql")
