"""Runs 0053_post_keep_texts_of_looks_once.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0053"
down_revision: str | None = "0052"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0053_post_keep_texts_of_looks_once.sql")
