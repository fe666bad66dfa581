"""Runs 0001_pre_create_people.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0001_pre_create_people.sql")
