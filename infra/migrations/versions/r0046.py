"""Runs 0046_post_keep_looks_by_month.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0046"
down_revision: str | None = "0045"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0046_post_keep_looks_by_month.sql")
