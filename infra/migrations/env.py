"""Alembic's environment: `sigill.store.migrate` hands over the open connection and what runs a file."""

from alembic import context

_given = context.config.attributes
context.configure(
    connection=_given["connection"],
    version_table_schema=_given["schema"],
    transactional_ddl=True,
    transaction_per_migration=True,
    run_file=_given["run_file"],
)
with context.begin_transaction():
    context.run_migrations()
