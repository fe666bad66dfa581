"""Runs 0012_pre_close_functions.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0012"
down_revision: str | None = "0011"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0012_pre_close_functions.sql")
