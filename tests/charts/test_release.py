"""What a release gives to a deployment: the same images everywhere, by digest."""

from __future__ import annotations

import re

import pytest

from charts.release import files
from tests.charts.rendering import ENVIRONMENTS, RELEASE, ROOT

_REGISTRY = "111111111111.dkr.ecr.ap-northeast-2.amazonaws.com"
_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_DIGESTS = {name: f"sha256:{digit * 64}" for name, digit in (("api", "a"), ("audit", "b"), ("airflow", "c"))}


def test_the_files_of_these_tests_are_made_as_a_release_s_are() -> None:
    for name, text in files(_REGISTRY, _COMMIT, _DIGESTS).items():
        assert RELEASE.with_name(name).read_text("utf-8") == text


@pytest.mark.parametrize("digest", ["latest", "sha256:abc", ""])
def test_what_is_no_digest_is_refused_by_name(digest: str) -> None:
    with pytest.raises(ValueError, match="of api is no digest"):
        files(_REGISTRY, _COMMIT, {**_DIGESTS, "api": digest})


def test_a_branch_is_no_commit() -> None:
    with pytest.raises(ValueError, match="'main' is no commit"):
        files(_REGISTRY, "main", _DIGESTS)


def test_workflows_use_actions_by_commit_and_build_images_once() -> None:
    workflows = {path.name: path.read_text("utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")}
    used = [one for text in workflows.values() for one in re.findall(r"uses: (\S+)", text)]
    assert [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}|\./\.github/workflows/deploy-to\.yml", one)] == []
    assert [name for name, text in workflows.items() if "docker buildx build" in text] == ["deploy.yml"]
    order = re.findall(r"with: \{environment: (\w+)\}", workflows["deploy.yml"])
    assert order == list(ENVIRONMENTS)
    assert re.findall(r"^    needs: (\w+)$", workflows["deploy.yml"], re.MULTILINE) == ["images", "dev", "staging"]
