"""Runs 0006_pre_create_population_load.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0006"
down_revision: str | None = "0005"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0006_pre_create_population_load.sql")
