"""`python -m settlement.api`: the service as a container runs it, on every address of it."""

import sys

from settlement.cli.serve import run_service
from settlement.errors import SettlementError

try:
    run_service()
except SettlementError as error:
    sys.exit(f"error: {error}")
