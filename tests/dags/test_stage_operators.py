"""Tasks of a stage: what they ask of the steps, and that nothing goes on when they are killed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from airflow.providers.openlineage.extractors.base import DefaultExtractor
from airflow.sdk.exceptions import AirflowException

from settlement_airflow.operators.stage import AuditOperator, BuildOperator, PublishOperator
from tests.dags.conftest import PATIENCE_SECONDS, Fake, context, lives, until


def test_a_stage_s_operators_name_their_stage_and_hand_on_a_sentence(fake: Fake) -> None:
    fake("answer({'outcome': 'x', 'sentence': ' '.join(sys.argv[3:])})")
    named = "--run settlement_daily/manual__1 --partition 2026-02-28 --stage ods"
    attempt = "--attempt until try 3"
    assert BuildOperator(task_id="build", stage="ods").execute(context()) == f"build {named} {attempt}"
    assert BuildOperator(task_id="build", stage="ods").execute(context(take_over=True)) == f"build {named} --take-over {attempt}"
    assert AuditOperator(task_id="audit", stage="ods").execute(context(take_over=True)) == f"audit {named}"


def test_a_task_that_is_killed_ends_its_step(fake: Fake) -> None:
    file = fake("open(sys.argv[0] + '-pid', 'w').write(str(os.getpid()))\ntime.sleep(600)") / "python-pid"
    operator = AuditOperator(task_id="audit", stage="ods")
    operator.on_kill()  # nothing was started yet
    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(operator.execute, context())
        until(lambda: file.exists() and file.read_text() != "")
        operator.on_kill()
        with pytest.raises(AirflowException, match="audit was killed by SIGTERM"):
            ending.result(PATIENCE_SECONDS)
    assert not lives(int(file.read_text()))


ANSWER = """
build = {'build_id': 'b1', 'release': 'r', 'files_hash': 'f', 'engine': 'e', 'pins': {}, 'rows_hashes': {}, 'query_ids': []}
made = {'table': 'ods.play', 'place': 's3://bucket/tables/ods/play', 'columns': []}
asked = ' '.join(sys.argv[3:])
named = '--run settlement_daily/manual__1 --partition 2026-02-28 --stage ods'
assert asked == f'lineage {named}', asked
answer({'partition': '2026-02-28', 'build': build, 'inputs': [], 'outputs': [made]})
"""


class Instance:
    """As much of a task instance as OpenLineage's listener hands on."""

    def get_template_context(self) -> dict[str, Any]:
        return context()


def test_openlineage_finds_what_a_publication_has_made(fake: Fake) -> None:
    fake(ANSWER)
    found = DefaultExtractor(PublishOperator(task_id="publish", stage="ods")).extract_on_complete(Instance())
    assert found is not None
    assert [(output.namespace, output.name) for output in found.outputs] == [("s3://bucket", "tables/ods/play")]
    assert found.run_facets["settlement_build"].build_id == "b1"
