"""Runs 0031_pre_tell_apart.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0031"
down_revision: str | None = "0030"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0031_pre_tell_apart.sql")
