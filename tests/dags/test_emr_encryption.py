"""With SETTLEMENT_KMS_KEY set, what EMR's side writes into a bucket is encrypted with it: the scripts as their requests are sent,
the tables by what the cluster is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from settlement.settings import settings
from settlement.settings_emr import emr_settings
from settlement_airflow.hooks.emr_clusters import EmrClusterHook
from settlement_airflow.hooks.emr_objects import EmrObjectsHook
from tests.dags import emr_play
from tests.dags.emr_play import SCRIPT, Played

played = emr_play.played
KEY = "arn:aws:kms:ap-northeast-2:111122223333:key/1"


@pytest.fixture
def with_key(played: Played, monkeypatch: pytest.MonkeyPatch) -> Played:
    monkeypatch.setenv("SETTLEMENT_KMS_KEY", KEY)
    monkeypatch.setenv("SETTLEMENT_EMR_CERTIFICATES", "s3://settlement-dev-lake/certificates.zip")
    settings.cache_clear()
    emr_settings.cache_clear()
    return played


def sent_headers(hook: EmrObjectsHook) -> dict[str, str]:
    """The headers with which a script's request leaves."""
    found: dict[str, str] = {}

    def keep(request: Any, **_: Any) -> None:
        for name, value in request.headers.items():
            found[name.lower()] = value.decode() if isinstance(value, bytes) else value

    hook._client.meta.events.register_first("before-send.s3.PutObject", keep)
    hook.put_script(SCRIPT)
    return found


@pytest.mark.usefixtures("with_key")
def test_a_script_is_put_with_the_key() -> None:
    sent = sent_headers(EmrObjectsHook())
    assert sent["x-amz-server-side-encryption"] == "aws:kms"
    assert sent["x-amz-server-side-encryption-aws-kms-key-id"] == KEY


@pytest.mark.usefixtures("played")
def test_without_a_key_the_bucket_decides() -> None:
    sent = sent_headers(EmrObjectsHook())
    assert "if-none-match" in sent, "the request was seen"
    assert not any("encryption" in name for name in sent)


def test_a_cluster_is_told_to_encrypt_what_hive_writes(with_key: Played) -> None:
    cluster = EmrClusterHook().ensure()
    described = with_key.emr.describe_cluster(ClusterId=cluster.id)["Cluster"]
    told = {one["Classification"]: one["Properties"] for one in described["Configurations"]}
    assert told["emrfs-site"] == {"fs.s3.enableServerSideEncryption": "true", "fs.s3.serverSideEncryption.kms.keyId": KEY}
    assert told["core-site"] == {"fs.s3a.encryption.algorithm": "SSE-KMS", "fs.s3a.encryption.key": KEY}
    security = with_key.emr.describe_security_configuration(Name=described["SecurityConfiguration"])["SecurityConfiguration"]
    at_rest = json.loads(security)["EncryptionConfiguration"]["AtRestEncryptionConfiguration"]
    assert at_rest["S3EncryptionConfiguration"] == {"EncryptionMode": "SSE-KMS", "AwsKmsKey": KEY}
