"""Runs 0016_pre_evaluate_standing.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0016"
down_revision: str | None = "0015"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0016_pre_evaluate_standing.sql")
