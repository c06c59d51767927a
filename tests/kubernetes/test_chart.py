"""The chart on a real API: every environment's objects are taken without a word, and a release comes, changes, goes back and goes.

External Secrets is the only kind that the chart uses and Kubernetes hasn't: its definition, as far as the chart needs it, is
`external-secrets.yaml`. Of the images that of the API runs, with the town's ledger and bucket; Airflow's migration is left out.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.images.build import build
from local.kubernetes.cluster import Cluster
from tests.charts.rendering import ENVIRONMENTS, manifests, rendered
from tests.kubernetes.release import PLACE, Release, named, own_namespace, values
from tests.kubernetes.town import Town

_CRD = Path(__file__).with_name("external-secrets.yaml")
_ROWS = "SETTLEMENT_API_MAX_ROWS"
_CHANGES = (f"api.settings.{_ROWS}=1000", "ledger.verify.resources.limits.memory=768Mi", "networkPolicy.enabled=false")


@pytest.fixture(scope="module")
def namespaced(whole_town: Town) -> Iterator[Cluster]:
    with own_namespace(whole_town) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def with_secrets(namespaced: Cluster) -> Iterator[Cluster]:
    """The cluster knows External Secrets' kind."""
    namespaced.kubectl("apply", f"--filename={_CRD}")
    namespaced.kubectl("wait", f"--filename={_CRD}", "--for=condition=Established", "--timeout=60s")
    yield namespaced
    namespaced.kubectl("delete", f"--filename={_CRD}", "--timeout=60s")


@pytest.fixture(scope="module")
def release(whole_town: Town, namespaced: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Release:
    image = build("api")
    namespaced.load(image.archive)
    written = tmp_path_factory.mktemp("chart") / "values.json"
    written.write_text(json.dumps(values(whole_town, image.name)))
    return Release(namespaced, written)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_api_takes_every_object_of_an_environment_without_a_warning(with_secrets: Cluster, environment: str) -> None:
    text = rendered(environment).replace("namespace: settlement\n", f"namespace: {PLACE}\n")
    asked = ("apply", "--dry-run=server", "--validate=strict", f"--namespace={PLACE}", "--filename=-")
    done = with_secrets.asked(*asked, text=text)
    assert done.stderr == "", "a warning tells of pods that would be refused, or of fields that are going"
    assert len(done.stdout.splitlines()) == len(manifests(text))


def test_a_field_that_is_wrong_would_be_refused(with_secrets: Cluster) -> None:
    text = rendered("production")
    for right, wrong in (("creationPolicy: Owner", "creationPolicy: Mine"), ("enableServiceLinks", "enableServiceLink")):
        assert right in text
        asked = ("apply", "--dry-run=server", "--validate=strict", f"--namespace={PLACE}", "--filename=-")
        assert with_secrets.asked(*asked, text=text.replace(right, wrong), check=False).returncode != 0


def test_a_release_comes_changes_goes_back_and_goes(release: Release) -> None:
    before = release.everything()
    release.install()
    _is_as_revision(release, 1)
    assert "the chain holds" in _verified_now(release)

    release.upgrade(*_CHANGES)
    _is_as_revision(release, 2)
    assert _env_of_the_api(release)[_ROWS] == "1000"
    assert not [name for name in release.everything() if name.startswith("NetworkPolicy/")]

    release.rollback(1)
    _is_as_revision(release, 3)
    assert release.manifest(3) == release.manifest(1)
    assert _ROWS not in _env_of_the_api(release)
    assert release.revisions() == [(1, "superseded"), (2, "superseded"), (3, "deployed")]

    release.uninstall()
    assert release.everything() - before == set()
    assert before - release.everything() == set(), "what people have made by hand stays"
    assert release.beyond() == ""


def _is_as_revision(release: Release, number: int) -> None:
    """All objects of the revision are there as it says, none of another one is, and the API that runs answers."""
    assert release.differences(number) == ""
    assert release.made() == {named(one) for one in release.manifest(number)}
    assert json.loads(_get(release, "/health")) == json.loads(_get(release, "/ready")) == {"status": "ok"}


def _get(release: Release, path: str) -> bytes:
    """What the API answers under its Service's address."""
    asked = ("get", "service", "settlement-api", f"--namespace={PLACE}", "--output=jsonpath={.spec.clusterIP}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{release.cluster.kubectl(*asked)}{path}", timeout=20) as answer:
        return bytes(answer.read())


def _env_of_the_api(release: Release) -> dict[str, str]:
    """Settings of the one pod of the API that is there."""
    asked = ("get", "pods", f"--namespace={PLACE}", "--selector=app.kubernetes.io/name=settlement-api", "--output=json")
    found = json.loads(release.cluster.kubectl(*asked))["items"]
    (pod,) = [one for one in found if "deletionTimestamp" not in one["metadata"]]
    return {one["name"]: one.get("value", "") for one in pod["spec"]["containers"][0]["env"]}


def _verified_now(release: Release) -> str:
    """What the nightly verification says, asked for as docs/deploy.md has it."""
    where = f"--namespace={PLACE}"
    release.cluster.kubectl("create", "job", where, "--from=cronjob/settlement-ledger-verify", "verify-now")
    release.cluster.kubectl("wait", where, "job/verify-now", "--for=condition=Complete", "--timeout=120s")
    said = release.cluster.kubectl("logs", where, "job/verify-now")
    release.cluster.kubectl("delete", where, "job/verify-now", "--cascade=foreground", "--wait")
    return said
