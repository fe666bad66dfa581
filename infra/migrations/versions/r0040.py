"""Runs 0040_pre_note_paper_copies.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0040"
down_revision: str | None = "0039"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0040_pre_note_paper_copies.sql")
