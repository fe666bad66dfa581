"""Runs 0042_pre_meet_issuers_clock.sql. There is no way back but a restore or a later migration."""

from alembic import op

revision = "0042"
down_revision: str | None = "0041"


def upgrade() -> None:
    """Bring the schema forward."""
    op.get_context().opts["run_file"]("0042_pre_meet_issuers_clock.sql")
