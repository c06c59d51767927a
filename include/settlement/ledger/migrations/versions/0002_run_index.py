"""Finding the records of one run, which every task of a scheduled run does."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Index the records by run."""
    op.create_index("record_of_run", "record", ["run_id", "kind", "seq"])
