"""Runs 0014_pre_create_units.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0014"
down_revision: str | None = "0013"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0014_pre_create_units.sql")
