"""Runs 0009_pre_index_undetermined.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0009"
down_revision: str | None = "0008"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0009_pre_index_undetermined.sql")
