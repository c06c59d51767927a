"""What a release gives to a deployment: the same images everywhere, by digest."""

from __future__ import annotations

import pytest

from charts.release import files
from tests.charts.rendering import RELEASE

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
