"""Runs 0048_pre_begin_cases.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0048"
down_revision: str | None = "0047"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0048_pre_begin_cases.sql")
