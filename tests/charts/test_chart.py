"""The chart: renders as it is kept, lets every pod do the least, and refuses what must not be deployed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from charts import values_table
from settlement.api.settings import ApiSettings
from settlement.settings import Settings
from settlement.settings_emr import EmrSettings
from settlement.settings_pods import PodSettings
from settlement.settings_trino import TrinoSettings
from tests.charts.fields import field_faults
from tests.charts.rendering import (
    CHART,
    GOLDEN,
    RELEASE,
    ROOT,
    Manifest,
    helm,
    manifests,
    pod_faults,
    pods,
    rendered,
    template,
)

OPERATORS = ROOT / "plugins" / "settlement_airflow" / "operators"
COMPONENT = re.compile(r'component="([a-z]+)"')
_TOKENS = {"settlement-airflow-worker", "settlement-airflow-scheduler"}
_MAKES_PODS = {"create", "get", "list", "delete"}


def test_every_environment_s_values_pass_the_lint(environment: str) -> None:
    done = helm("lint", "--strict", CHART, "--values", CHART / f"values-{environment}.yaml", "--values", RELEASE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_environment_is_given_what_is_kept(environment: str, text: str, pytestconfig: pytest.Config) -> None:
    kept = GOLDEN / f"{environment}.yaml"
    if pytestconfig.getoption("--renew"):
        kept.write_text(text, "utf-8")
    assert text == kept.read_text("utf-8"), f"look at what changed; pytest tests/charts --renew writes {kept.name} anew"


def test_every_field_is_one_that_kubernetes_knows(objects: list[Manifest]) -> None:
    assert [fault for one in objects if one["kind"] != "ExternalSecret" for fault in field_faults(one)] == []


def test_a_field_that_kubernetes_does_not_know_would_be_noticed(objects: list[Manifest]) -> None:
    account = next(one for one in objects if one["kind"] == "ServiceAccount")
    assert field_faults({**account, "automount": True}) != []
    assert field_faults({**account, "automountServiceAccountToken": "no"}) != []


def test_no_pod_may_more_than_restricted_allows(objects: list[Manifest]) -> None:
    found = list(pods(objects))
    assert {name for name, _ in found} >= {"Deployment settlement-api", "CronJob settlement-ledger-verify"}
    assert [fault for name, pod in found for fault in pod_faults(name, pod)] == []


def test_only_those_who_make_pods_have_a_token(objects: list[Manifest]) -> None:
    accounts = [one for one in objects if one["kind"] == "ServiceAccount"]
    assert {one["metadata"]["name"] for one in accounts if one["automountServiceAccountToken"]} == _TOKENS
    assert [name for name, pod in pods(objects) if pod["spec"]["automountServiceAccountToken"] is not False] == []


def test_nobody_may_read_secrets_exec_or_leave_the_namespace(objects: list[Manifest]) -> None:
    assert not [one for one in objects if one["kind"].startswith("Cluster")]
    rules = {one["metadata"]["name"]: one["rules"] for one in objects if one["kind"] == "Role"}
    assert rules.keys() == _TOKENS
    assert {resource for role in rules.values() for rule in role for resource in rule["resources"]} == {
        "pods",
        "pods/log",
        "events",
    }
    worker = {resource: set(rule["verbs"]) for rule in rules["settlement-airflow-worker"] for resource in rule["resources"]}
    assert worker == {"pods": _MAKES_PODS, "pods/log": {"get"}, "events": {"list"}}
    bound = [subject["name"] for one in objects if one["kind"] == "RoleBinding" for subject in one["subjects"]]
    assert set(bound) == _TOKENS


def test_nothing_goes_in_or_out_unless_it_is_opened(objects: list[Manifest]) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in objects if one["kind"] == "NetworkPolicy"}
    assert policies["settlement-nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    cluster = policies["settlement-kubernetes"]["podSelector"]["matchExpressions"]
    assert cluster == [{"key": "component", "operator": "In", "values": ["scheduler", "worker"]}]
    for name, spec in policies.items():
        for rule in [*(spec.get("ingress") or []), *(spec.get("egress") or [])]:
            assert rule.get("from") or rule.get("to"), f"{name} is open to everybody"


def test_every_pod_that_a_task_makes_reaches_the_ledger_and_the_warehouse(objects: list[Manifest]) -> None:
    made = {f"settlement-{name}" for file in OPERATORS.glob("*_pod.py") for name in COMPONENT.findall(file.read_text("utf-8"))}
    assert made >= {"settlement-audit", "settlement-report", "settlement-preview"}
    (data,) = (one["spec"] for one in objects if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "settlement-data")
    assert set(data["podSelector"]["matchExpressions"][0]["values"]) >= made


def test_the_accounts_of_pods_are_made(objects: list[Manifest]) -> None:
    named = {field.default for name, field in PodSettings.model_fields.items() if name.endswith("service_account")}
    assert named == {"settlement-audit", "settlement-report"}
    assert named <= {one["metadata"]["name"] for one in objects if one["kind"] == "ServiceAccount"}


def test_pods_are_told_settings_that_exist(objects: list[Manifest]) -> None:
    known = {
        f"{kind.model_config['env_prefix']}{field}".upper()
        for kind in (Settings, EmrSettings, TrinoSettings, ApiSettings, PodSettings)
        for field in kind.model_fields
    }
    told = {key for one in objects if one["metadata"]["name"] == "settlement-settings" for key in one["data"]}
    for _, pod in pods(objects):
        told |= {variable["name"] for container in pod["spec"]["containers"] for variable in container.get("env", [])}
    unknown = {name for name in told - known if not name.startswith(("AWS_", "AIRFLOW", "POD_"))}
    assert unknown == set()


def test_the_api_s_probes_are_its_own(objects: list[Manifest]) -> None:
    container = next(pod["spec"]["containers"][0] for name, pod in pods(objects) if name == "Deployment settlement-api")
    assert container["livenessProbe"]["httpGet"]["path"] == "/health"
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert [port["containerPort"] for port in container["ports"]] == [8090]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("settings.SETTLEMENT_LEDGER_URL=postgresql://a:b@c/d", "SETTLEMENT_LEDGER_URL"),
        ("settings.SETTLEMENT_SENTRY_DSN=https://a@b/1", "SETTLEMENT_SENTRY_DSN"),
        ("api.settings.SETTLEMENT_API_TRINO_PASSWORD=secret", "SETTLEMENT_API_TRINO_PASSWORD"),
        ("settings.SETTLEMENT_LANDING=https://user:word@host/x", "/settings/SETTLEMENT_LANDING"),
        ("settings.AWS_SECRET_ACCESS_KEY=abc", "AWS_SECRET_ACCESS_KEY"),
        ("settings.SETTLEMENT_DATABASE=AKIAIOSFODNN7EXAMPLE", "/settings/SETTLEMENT_DATABASE"),
        ("image.api.tag=latest", "/image/api/tag"),
        ("image.api.digest=sha256:abc", "/image/api/digest"),
        ("environment=test", "/environment"),
        ("api.replica=2", "replica"),
        ("serviceAccounts.api.roleArn=settlement-api", "/serviceAccounts/api/roleArn"),
        ("networkPolicy.databases={everything}", "/networkPolicy/databases/0"),
    ],
)
def test_values_that_must_not_be_deployed_are_refused_by_name(given: str, said: str) -> None:
    done = template("production", "--set-string", given)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_beyond_dev_an_image_is_given_by_digest(environment: str) -> None:
    done = template(environment, "--set", "image.api.digest=", "--set", "image.api.tag=1.0")
    assert done.returncode != 0
    assert f"image.api.digest is needed in {environment}: give the release's own file" in done.stderr


def test_in_dev_a_tag_will_do() -> None:
    text = rendered("dev", "--set", "image.api.digest=", "--set", "image.api.tag=1.0")
    assert "settlement-api:1.0" in text


def test_beyond_dev_the_audit_log_outlives_its_pod() -> None:
    done = template("production", "--set", "api.audit.claim=")
    assert "api.audit.claim is needed in production" in done.stderr


_CHANGED = ["image.api.digest=sha256:" + "1" * 64, "image.airflow.digest=sha256:" + "1" * 64, "image.pullPolicy=Always"]


@pytest.mark.parametrize("given", _CHANGED)
def test_a_changed_migration_is_a_job_of_its_own_for_a_job_can_t_be_changed(given: str) -> None:
    def jobs(*more: str) -> dict[str, object]:
        found = [one for one in manifests(rendered("dev", *more)) if one["kind"] == "Job"]
        return {one["metadata"]["name"]: one["spec"]["template"] for one in found}

    before, after = jobs(), jobs("--set", given)
    assert len(before) == len(after) == 2
    assert before != after
    assert all(before[name] == after[name] for name in before.keys() & after.keys())


def test_nothing_is_a_hook(objects: list[Manifest]) -> None:
    assert [one for one in objects if any("hook" in key for key in one["metadata"].get("annotations", {}))] == []


def test_alerts_point_to_pages_and_lines_that_exist(objects: list[Manifest]) -> None:
    base = yaml.safe_load((CHART / "values-production.yaml").read_text("utf-8"))["alerts"]["runbooks"]
    rules = [
        rule
        for one in objects
        if one["metadata"]["name"].startswith("settlement-alerts-")
        for group in yaml.safe_load(one["data"]["settlement.yaml"])["groups"]
        for rule in group["rules"]
    ]
    assert len(rules) > 10
    for rule in rules:
        page, _, part = rule["annotations"]["runbook_url"].removeprefix(base).partition("#")
        text = (ROOT / "docs" / page).read_text("utf-8")
        headings = {
            re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-") for line in text.splitlines() if line[:1] == "#"
        }
        assert not part or part in headings, f"{rule['alert']}: {page} has no part {part}"


def test_loki_looks_for_lines_that_the_code_writes() -> None:
    rules = yaml.safe_load((CHART / "files" / "alerts" / "loki.yaml").read_text("utf-8"))["groups"][0]["rules"]
    code = "\n".join(path.read_text("utf-8") for folder in ("include", "plugins") for path in (ROOT / folder).rglob("*.py"))
    for rule in rules:
        wanted = re.search(r'\|[=~] "(.*?)"', rule["expr"])
        assert wanted is not None
        for part in wanted[1].split(".*"):
            assert part in code, f"{rule['alert']}: nothing writes {part!r}"


def test_dashboards_are_of_grafana_s_form(objects: list[Manifest]) -> None:
    boards = [json.loads(text) for one in objects if "-dashboard-" in one["metadata"]["name"] for text in one["data"].values()]
    assert {board["uid"] for board in boards} == {"settlement-runs", "settlement-api"}
    for board in boards:
        numbers = [panel["id"] for panel in board["panels"]]
        assert len(set(numbers)) == len(numbers)
        assert all(panel["targets"] and panel["title"] for panel in board["panels"])
        assert "NAMESPACE" not in json.dumps(board)


def test_the_table_of_values_is_that_of_values_yaml() -> None:
    page = (CHART / "README.md").read_text("utf-8")
    assert page == values_table.readme(page, (CHART / "values.yaml").read_text("utf-8")), "run: python charts/values_table.py"


def test_every_value_is_explained() -> None:
    rows = values_table.table((CHART / "values.yaml").read_text("utf-8"))
    explained = set(re.findall(r"^\| `([\w.]+)`", rows, re.MULTILINE))

    def leaves(value: object, path: tuple[str, ...] = ()) -> list[str]:
        name = ".".join(path)
        if name in explained or not isinstance(value, dict) or not value:
            return [name]
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]

    missing = set(leaves(yaml.safe_load(Path(CHART / "values.yaml").read_text("utf-8")))) - explained
    assert missing == set()
