"""Runs 0045_pre_prove_looks.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0045"
down_revision: str | None = "0044"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0045_pre_prove_looks.sql")
