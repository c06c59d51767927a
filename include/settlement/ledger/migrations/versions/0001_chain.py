"""The chain of records, guarded against edits, and the table of heads."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create both tables and the triggers that refuse to edit or delete a record."""
    op.create_table(
        "record",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("partition", sa.String(10), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("build_id", sa.String(32), nullable=False),
        # SQLite keeps a longer one, as that of an alert may be; PostgreSQL would refuse it.
        sa.Column("run_id", sa.String(250).with_variant(sa.Text(), "postgresql"), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
    )
    op.create_index("record_of_partition", "record", ["kind", "stage", "partition", "version", "seq"])
    op.create_index("record_of_build", "record", ["build_id"])
    op.create_table(
        "head",
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("partition", sa.String(10), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("build_id", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("stage", "partition", "version"),
    )
    if op.get_context().dialect.name == "postgresql":
        _guard_on_postgresql()
    else:
        _guard_on_sqlite()


def _guard_on_sqlite() -> None:
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER record_no_{action.lower()} BEFORE {action} ON record "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        )


def _guard_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION record_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for action in ("UPDATE", "DELETE", "TRUNCATE"):
        name = f"record_no_{action.lower()}"
        op.execute(f"CREATE TRIGGER {name} BEFORE {action} ON record FOR EACH STATEMENT EXECUTE FUNCTION record_is_append_only()")
        op.execute(f"ALTER TABLE record ENABLE ALWAYS TRIGGER {name}")  # in a session that replicates too
