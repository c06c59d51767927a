from tests.integration.fixtures import *  # noqa: F403
from tests.integration.scheduled import day, month, statements, workers  # noqa: F401
