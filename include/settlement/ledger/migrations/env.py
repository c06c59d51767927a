"""Alembic's entry: runs the migrations on the engine that the ledger opened."""

from alembic import context

with context.config.attributes["engine"].connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
