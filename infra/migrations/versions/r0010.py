"""Runs 0010_pre_keep_bodies_plain.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0010"
down_revision: str | None = "0009"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0010_pre_keep_bodies_plain.sql")
