"""Runs 0004_pre_create_audit.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0004"
down_revision: str | None = "0003"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0004_pre_create_audit.sql")
