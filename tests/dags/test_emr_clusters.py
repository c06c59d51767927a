"""The cluster: what it is made of, found by name and tag, made once."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred
from botocore.validate import ParamValidator

from settlement.errors import SettlementError
from settlement.settings import settings
from settlement.settings_emr import EmrSettings, emr_settings
from settlement_airflow.hooks.emr_clusters import ONCE, EmrClusterHook
from settlement_airflow.hooks.emr_request import job_flow, security
from settlement_airflow.operators.emr_cluster import EmrClusterOperator
from tests.dags import emr_play
from tests.dags.emr_play import Played, task_context
from tests.dags.test_emr_steps import LOST, client_error

played = emr_play.played
KEY = "arn:aws:kms:ap-northeast-2:111122223333:key/1"
ALL = {
    "SETTLEMENT_KMS_KEY": KEY,
    "SETTLEMENT_EMR_RUNTIME_ROLE": "arn:aws:iam::111122223333:role/settlement-steps",
    "SETTLEMENT_EMR_CERTIFICATES": "s3://settlement-dev-lake/certificates.zip",
    "SETTLEMENT_EMR_SUBNETS": "subnet-1, subnet-2",
    "SETTLEMENT_EMR_TAGS": "team=royalty",
    "SETTLEMENT_EMR_AUTOSCALING_ROLE": "scaling",
}


def chosen(monkeypatch: pytest.MonkeyPatch, **variables: str) -> EmrSettings:
    """The settings with these variables set too."""
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    settings.cache_clear()
    emr_settings.cache_clear()
    return emr_settings()


# -- settings ------------------------------------------------------------------------------------------------------------


def test_a_setting_that_is_off_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {"CONCURRENCY": "300", "SCRIPTS": "/tmp/scripts", "TAGS": "royalty", "IDLE_MINUTES": "0"}.items():
        with monkeypatch.context() as set_, pytest.raises(SettlementError, match=f"SETTLEMENT_EMR_{key}"):
            chosen(set_, **{f"SETTLEMENT_EMR_{key}": value})
    emr_settings.cache_clear()


def test_the_cluster_of_each_environment_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as set_:
        assert chosen(set_, SETTLEMENT_ENV="staging").cluster_name == "settlement-staging"
        assert chosen(set_, SETTLEMENT_EMR_CLUSTER="another").cluster_name == "another"
    chosen(monkeypatch)


# -- the request ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("played")
def test_the_request_is_one_that_emr_understands(monkeypatch: pytest.MonkeyPatch) -> None:
    request = job_flow(chosen(monkeypatch, **ALL), "named")
    shape = boto3.client("emr").meta.service_model.operation_model("RunJobFlow").input_shape
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.usefixtures("played")
def test_a_cluster_scales_ends_when_idle_and_survives_a_lost_spot_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    request = job_flow(chosen(monkeypatch, **ALL), "named")
    limits = request["ManagedScalingPolicy"]["ComputeLimits"]
    assert (limits["MinimumCapacityUnits"], limits["MaximumCapacityUnits"], limits["MaximumOnDemandCapacityUnits"]) == (2, 20, 4)
    assert request["AutoTerminationPolicy"] == {"IdleTimeout": 1800}
    assert request["StepConcurrencyLevel"] == 4
    fleets = {fleet["InstanceFleetType"]: fleet for fleet in request["Instances"]["InstanceFleets"]}
    assert {kind: set(fleet["LaunchSpecifications"]) for kind, fleet in fleets.items()} == {
        "MASTER": {"OnDemandSpecification"},
        "CORE": {"OnDemandSpecification"},
        "TASK": {"SpotSpecification"},
    }
    assert request["Instances"]["Ec2SubnetIds"] == ["subnet-1", "subnet-2"]
    assert {tag["Key"]: tag["Value"] for tag in request["Tags"]} == {"team": "royalty", "settlement:env": "dev"}


@pytest.mark.usefixtures("played")
def test_with_a_key_everything_is_encrypted_at_rest_and_in_transit(monkeypatch: pytest.MonkeyPatch) -> None:
    with_key = chosen(monkeypatch, **ALL)
    encryption = security(with_key)["EncryptionConfiguration"]
    at_rest = encryption["AtRestEncryptionConfiguration"]
    assert encryption["EnableAtRestEncryption"]
    assert encryption["EnableInTransitEncryption"]
    assert at_rest["S3EncryptionConfiguration"] == {"EncryptionMode": "SSE-KMS", "AwsKmsKey": KEY}
    assert at_rest["LocalDiskEncryptionConfiguration"]["AwsKmsKey"] == KEY
    assert security(with_key)["AuthorizationConfiguration"]["IAMConfiguration"]["EnableApplicationScopedIAMRole"]
    request = job_flow(with_key, "named")
    assert (request["LogEncryptionKmsKeyId"], request["SecurityConfiguration"]) == (KEY, "named")


@pytest.mark.usefixtures("played")
def test_a_key_without_certificates_and_a_cluster_without_roles_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettlementError, match="SETTLEMENT_EMR_CERTIFICATES is not set"):
        security(chosen(monkeypatch, SETTLEMENT_KMS_KEY=KEY))
    monkeypatch.delenv("SETTLEMENT_EMR_SERVICE_ROLE")
    with pytest.raises(SettlementError, match="SETTLEMENT_EMR_SERVICE_ROLE is not set"):
        job_flow(chosen(monkeypatch, SETTLEMENT_KMS_KEY=""))


# -- making --------------------------------------------------------------------------------------------------------------


def made(played: Played) -> list[str]:
    return [cluster["Id"] for cluster in played.emr.list_clusters()["Clusters"]]


def test_a_cluster_is_made_once_with_its_tag_and_security(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen(monkeypatch, **ALL)
    first = EmrClusterHook().ensure()
    assert EmrClusterHook().ensure().id == first.id
    assert made(played) == [first.id]
    described = played.emr.describe_cluster(ClusterId=first.id)["Cluster"]
    assert {"Key": "settlement:env", "Value": "dev"} in described["Tags"]
    document = played.emr.describe_security_configuration(Name=described["SecurityConfiguration"])["SecurityConfiguration"]
    assert json.loads(document) == security(emr_settings())
    played.ended(first.id)
    assert EmrClusterHook().ensure().id != first.id, "an ended one doesn't count; its security configuration is used again"


def test_two_of_a_name_are_refused_and_one_of_another_name_isn_t_seen(played: Played) -> None:
    played.cluster("another")
    first, second = played.cluster(), played.cluster()
    with pytest.raises(AirflowFailException, match="share the name") as raised:
        EmrClusterHook().ensure()
    assert first in str(raised.value)
    assert second in str(raised.value)


def test_a_cluster_of_the_name_with_another_s_tag_is_left_alone(played: Played) -> None:
    cluster = played.cluster(Tags=[{"Key": "settlement:env", "Value": "production"}])
    with pytest.raises(AirflowFailException, match=rf"{cluster}.*settlement:env='production', not 'dev'"):
        EmrClusterHook().ensure()


@pytest.mark.parametrize("error", [*LOST, client_error("ThrottlingException", 400)], ids=lambda error: type(error).__name__)
def test_a_lost_answer_makes_no_second_cluster(played: Played, error: Exception) -> None:
    hook = EmrClusterHook()
    client = hook.client("once", ONCE)
    real = client.run_job_flow
    lost = "Throttling" not in str(error)

    def once(**request: Any) -> Any:
        client.run_job_flow = real
        if lost:
            real(**request)
        raise error

    client.run_job_flow = once
    found = hook.ensure()
    assert made(played) == [found.id]


def test_of_two_that_make_one_at_once_both_get_the_older_and_the_younger_is_ended(played: Played) -> None:
    hook = EmrClusterHook()
    client = hook.client("once", ONCE)
    real, older = client.run_job_flow, []

    def after_another(**request: Any) -> Any:
        older.append(played.cluster())
        return real(**request)

    client.run_job_flow = after_another
    assert [hook.ensure().id] == older
    states = {cluster["Id"]: cluster["Status"]["State"] for cluster in played.emr.list_clusters()["Clusters"]}
    assert [state for cluster, state in states.items() if cluster not in older] == ["TERMINATING"]


def test_the_operator_waits_for_a_start_and_says_why_one_failed(played: Played) -> None:
    cluster = played.cluster()
    operator = EmrClusterOperator(task_id="cluster")
    assert operator.execute(task_context()) == f"settlement-dev: cluster {cluster} is WAITING"
    played.ended(cluster, "BOOTSTRAPPING")
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(task_context())
    assert deferred.value.trigger.serialize()[0].endswith("EmrCreateJobFlowTrigger")
    event = {"status": "error", "message": "x", "job_flow_id": cluster}
    played.ended(cluster, "TERMINATED_WITH_ERRORS")
    with pytest.raises(AirflowException, match=rf"cluster {cluster} \(settlement-dev\) is TERMINATED_WITH_ERRORS") as raised:
        operator.execute_complete(task_context(), event)
    assert not isinstance(raised.value, AirflowFailException)
    played.ended(cluster, "WAITING")
    assert operator.execute_complete(task_context(), event).endswith("is WAITING"), "the cluster is asked, not the trigger"


@pytest.mark.usefixtures("played")
def test_a_setting_that_is_missing_fails_the_task_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SETTLEMENT_EMR_LOG_URI")
    chosen(monkeypatch)
    with pytest.raises(AirflowFailException, match="SETTLEMENT_EMR_LOG_URI is not set"):
        EmrClusterOperator(task_id="cluster").execute(task_context())
