"""Migrations: plain SQL files, run by alembic through the short revisions in `versions`."""
