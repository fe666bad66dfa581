"""Runs 0035_pre_name_releases.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0035"
down_revision: str | None = "0034"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0035_pre_name_releases.sql")
