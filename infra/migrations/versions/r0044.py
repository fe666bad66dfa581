"""Runs 0044_pre_bound_looks.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0044"
down_revision: str | None = "0043"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0044_pre_bound_looks.sql")
