"""Runs 0011_pre_extend_outbox.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0011"
down_revision: str | None = "0010"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0011_pre_extend_outbox.sql")
