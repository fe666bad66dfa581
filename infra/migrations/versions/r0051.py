"""Runs 0051_pre_note_refused_copies.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0051"
down_revision: str | None = "0050"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0051_pre_note_refused_copies.sql")
