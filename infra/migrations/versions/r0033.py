"""Runs 0033_pre_list_diary.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0033"
down_revision: str | None = "0032"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0033_pre_list_diary.sql")
