"""`python charts/release.py …`: writes what a release gives to a deployment: its images by digest, the commit of its DAGs.

The same two files go to every environment: `release.yaml` to charts/settlement, `release-airflow.yaml` to Airflow's chart.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SETTLEMENT = """\
image:
  api: {{digest: "{api}"}}
  audit: {{digest: "{audit}"}}
  airflow: {{digest: "{airflow}"}}
"""
_AIRFLOW = """\
images:
  airflow:
    repository: {registry}/settlement-airflow
    digest: "{airflow}"
  # The chart knows no digest here: this makes <repository>@sha256:<digits>.
  pod_template:
    repository: {registry}/settlement-airflow@sha256
    tag: "{digits}"
dagProcessor:
  dagBundleConfigList:
    - name: settlement
      classpath: airflow.providers.git.bundles.git.GitDagBundle
      kwargs:
        git_conn_id: settlement_git
        subdir: dags
        tracking_ref: {commit}
        refresh_interval: 300
"""


def files(registry: str, commit: str, digests: dict[str, str]) -> dict[str, str]:
    """The two files by name.

    Args:
        registry: of the images.
        commit: of the DAGs, which must be the images' own.
        digests: `sha256:…` of `api`, `audit` and `airflow`.

    Raises:
        ValueError: names what isn't a digest or a commit.
    """
    if not _COMMIT.fullmatch(commit):
        raise ValueError(f"{commit!r} is no commit: 40 hexadecimal digits are needed")
    for name, digest in digests.items():
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} of {name} is no digest: sha256: and 64 hexadecimal digits are needed")
    digits = digests["airflow"].removeprefix("sha256:")
    given = {"registry": registry, "commit": commit, "digits": digits, **digests}
    return {"release.yaml": _SETTLEMENT.format(**given), "release-airflow.yaml": _AIRFLOW.format(**given)}


def main() -> int:
    parser = argparse.ArgumentParser(description="What a release gives to a deployment.")
    for name in ("registry", "commit", "api", "audit", "airflow"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the two files")
    asked = parser.parse_args()
    try:
        made = files(asked.registry, asked.commit, {"api": asked.api, "audit": asked.audit, "airflow": asked.airflow})
    except ValueError as error:
        parser.error(str(error))
    asked.out.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (asked.out / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
