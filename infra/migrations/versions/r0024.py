"""Runs 0024_pre_except_guardians.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0024"
down_revision: str | None = "0023"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0024_pre_except_guardians.sql")
