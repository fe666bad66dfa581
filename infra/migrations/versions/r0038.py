"""Runs 0038_pre_open_cases.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0038"
down_revision: str | None = "0037"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0038_pre_open_cases.sql")
