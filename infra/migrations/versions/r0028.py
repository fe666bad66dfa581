"""Runs 0028_pre_pass_set_aside.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0028"
down_revision: str | None = "0027"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0028_pre_pass_set_aside.sql")
