"""Runs 0005_pre_create_console.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0005_pre_create_console.sql")
