"""Runs 0026_pre_create_elsewhere.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0026"
down_revision: str | None = "0025"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0026_pre_create_elsewhere.sql")
