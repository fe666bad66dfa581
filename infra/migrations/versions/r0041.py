"""Runs 0041_pre_days_of_answers.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0041"
down_revision: str | None = "0040"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0041_pre_days_of_answers.sql")
