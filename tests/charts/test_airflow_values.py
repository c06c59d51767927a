"""The values for Airflow's official chart. No registry that tests reach has the chart: these hold what the values must say."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.charts.rendering import AIRFLOW, CHART, ENVIRONMENTS, manifests, rendered

_COMPONENTS = ("scheduler", "apiServer", "triggerer", "dagProcessor", "pgbouncer", "statsd")


def merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Values as helm lays them over one another."""
    both = {key: merged(under[key], over[key]) for key in under.keys() & over.keys() if isinstance(over[key], dict)}
    return {**under, **over, **both}


@pytest.fixture(params=ENVIRONMENTS)
def values(request: pytest.FixtureRequest) -> dict[str, Any]:
    files = [AIRFLOW / "values.yaml", AIRFLOW / f"values-{request.param}.yaml"]
    common, own = (yaml.safe_load(file.read_text("utf-8")) for file in files)
    return merged(common, own)


def test_airflow_is_the_one_that_is_locked(values: dict[str, Any]) -> None:
    lock = (CHART.parents[1] / "requirements.txt").read_text("utf-8")
    assert f"apache-airflow=={values['airflowVersion']} " in lock


def test_the_databases_are_servers_of_their_own_and_nothing_is_a_hook(values: dict[str, Any]) -> None:
    assert [
        name for name in ("postgresql", "redis", "flower", "migrateDatabaseJob", "createUserJob") if values[name]["enabled"]
    ] == []
    assert values["pgbouncer"]["enabled"] is True


def test_every_component_has_resources_and_may_nothing(values: dict[str, Any]) -> None:
    containers = values["securityContexts"]["containers"]
    assert containers["readOnlyRootFilesystem"] is True
    assert containers["capabilities"] == {"drop": ["ALL"]}
    assert values["securityContexts"]["pod"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for name in _COMPONENTS:
        assert {"cpu", "memory"} <= values[name]["resources"]["requests"].keys(), name
        assert "memory" in values[name]["resources"]["limits"], name
    without = [name for name in _COMPONENTS if values[name]["serviceAccount"].get("automountServiceAccountToken") is False]
    assert set(_COMPONENTS) - set(without) == {"scheduler"}


def test_accounts_and_secrets_are_those_of_the_other_chart(values: dict[str, Any]) -> None:
    objects = manifests(rendered("production"))
    made = {(one["kind"], one["metadata"]["name"]) for one in objects}
    for account in (values["workers"]["serviceAccount"], values["scheduler"]["serviceAccount"]):
        assert account["create"] is False
        assert ("ServiceAccount", account["name"]) in made
    named = {values[key] for key in ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName")}
    named |= {values["data"]["metadataSecretName"], values["pgbouncer"]["configSecretName"], "settlement-airflow"}
    assert {("ExternalSecret", name) for name in named} <= made
    assert ("ConfigMap", "settlement-settings") in made
    assert "settlement-settings" in values["extraEnvFrom"]
    assert "settlement-airflow" in values["extraEnvFrom"]


def test_no_value_is_a_secret(values: dict[str, Any]) -> None:
    def leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
        if isinstance(value, dict):
            return [leaf for key, inner in value.items() for leaf in leaves(inner, f"{path}.{key}")]
        return [(path.lower(), value)]

    for path, value in leaves(values):
        assert not path.endswith(("password", "pass", "fernetkey", "secretkey", "jwtsecret", "sshkey")), path
        assert "@" not in str(value), path


def test_logs_go_to_the_environment_s_own_bucket(values: dict[str, Any]) -> None:
    assert values["config"]["logging"]["remote_logging"] == "True"
    assert values["config"]["logging"]["remote_base_log_folder"].startswith("s3://settlement-")
    assert values["allowPodLaunching"] is False
