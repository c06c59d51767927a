"""What a new EMR cluster is made of: the RunJobFlow request and its security configuration, from the settings alone."""

from __future__ import annotations

from typing import Any

from settlement.settings import settings
from settlement.settings_emr import EmrSettings

TAG = "settlement:env"
_GLUE = "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"


def job_flow(chosen: EmrSettings, security_configuration: str = "") -> dict[str, Any]:
    """The RunJobFlow request.

    Args:
        chosen: the settings.
        security_configuration: name of one made from `security`; empty for none.

    Raises:
        SettlementError: a setting is missing.
    """
    request = {
        "Name": chosen.cluster_name,
        "ReleaseLabel": chosen.release,
        "Applications": [{"Name": name} for name in ("Hadoop", "Hive", "Tez")],
        "Configurations": _configurations(chosen),
        "Instances": {
            "InstanceFleets": _fleets(chosen),
            "Ec2SubnetIds": list(chosen.subnets),
            "KeepJobFlowAliveWhenNoSteps": True,  # it ends after the idle time below, never with its last step
            "TerminationProtected": False,
        },
        "ManagedScalingPolicy": {
            "ComputeLimits": {
                "UnitType": "InstanceFleetUnits",
                "MinimumCapacityUnits": chosen.core_units,
                "MaximumCapacityUnits": chosen.max_units,
                "MaximumOnDemandCapacityUnits": chosen.max_on_demand_units,
                "MaximumCoreCapacityUnits": chosen.core_units,
            }
        },
        "AutoTerminationPolicy": {"IdleTimeout": chosen.idle_minutes * 60},
        "StepConcurrencyLevel": chosen.concurrency,
        "LogUri": f"{chosen.required('log_uri')}/",
        "ServiceRole": chosen.required("service_role"),
        "JobFlowRole": chosen.required("instance_profile"),
        "VisibleToAllUsers": True,
        "Tags": [{"Key": key, "Value": value} for key, value in {**chosen.tags, TAG: settings().env}.items()],
    }
    optional = {
        "AutoScalingRole": chosen.autoscaling_role,
        "LogEncryptionKmsKeyId": chosen.kms_key,
        "SecurityConfiguration": security_configuration,
    }
    return request | {name: value for name, value in optional.items() if value}


def security(chosen: EmrSettings) -> dict[str, Any]:
    """The security configuration: encryption at rest and in transit with a key, a role for each step with a runtime role.

    Empty when the settings ask for neither.

    Raises:
        SettlementError: a key is set, and no certificates.
    """
    document: dict[str, Any] = {}
    if chosen.kms_key:
        local = {"EncryptionKeyProviderType": "AwsKms", "AwsKmsKey": chosen.kms_key, "EnableEbsEncryption": True}
        traffic = {"CertificateProviderType": "PEM", "S3Object": chosen.required("certificates")}
        document["EncryptionConfiguration"] = {
            "EnableAtRestEncryption": True,
            "AtRestEncryptionConfiguration": {
                "S3EncryptionConfiguration": {"EncryptionMode": "SSE-KMS", "AwsKmsKey": chosen.kms_key},
                "LocalDiskEncryptionConfiguration": local,
            },
            "EnableInTransitEncryption": True,
            "InTransitEncryptionConfiguration": {"TLSCertificateConfiguration": traffic},
        }
    if chosen.runtime_role:
        document["AuthorizationConfiguration"] = {"IAMConfiguration": {"EnableApplicationScopedIAMRole": True}}
    return document


def _configurations(chosen: EmrSettings) -> list[dict[str, Any]]:
    hive = {"hive.execution.engine": "tez"}
    if chosen.glue_catalog:
        hive["hive.metastore.client.factory.class"] = _GLUE
    elif chosen.metastore_uri:
        hive["hive.metastore.uris"] = chosen.metastore_uri
    found = [{"Classification": "hive-site", "Properties": hive}]
    if chosen.kms_key:
        emrfs = {"fs.s3.enableServerSideEncryption": "true", "fs.s3.serverSideEncryption.kms.keyId": chosen.kms_key}
        found.append({"Classification": "emrfs-site", "Properties": emrfs})
        # Releases from 7.10 write by S3A instead.
        s3a = {"fs.s3a.encryption.algorithm": "SSE-KMS", "fs.s3a.encryption.key": chosen.kms_key}
        found.append({"Classification": "core-site", "Properties": s3a})
    return found


def _fleets(chosen: EmrSettings) -> list[dict[str, Any]]:
    """Primary and core machines on demand, since a lost core machine loses what steps shuffle; task machines are spot."""
    on_demand = {"OnDemandSpecification": {"AllocationStrategy": "prioritized"}}
    spot = {
        "SpotSpecification": {
            "AllocationStrategy": "capacity-optimized-prioritized",
            "TimeoutDurationMinutes": 15,
            "TimeoutAction": "SWITCH_TO_ON_DEMAND",
        }
    }
    core = chosen.core_types
    return [
        _fleet("MASTER", chosen.primary_types, {"TargetOnDemandCapacity": 1}, on_demand),
        _fleet("CORE", core, {"TargetOnDemandCapacity": chosen.core_units}, on_demand),
        _fleet("TASK", core, {"TargetSpotCapacity": 1}, spot),  # EMR wants one to begin with; scaling does the rest
    ]


def _fleet(kind: str, machines: tuple[str, ...], capacity: dict[str, int], launch: dict[str, Any]) -> dict[str, Any]:
    types = [{"InstanceType": name, "WeightedCapacity": 1, "Priority": float(place)} for place, name in enumerate(machines)]
    return {
        "Name": kind.lower(),
        "InstanceFleetType": kind,
        "InstanceTypeConfigs": types,
        "LaunchSpecifications": launch,
        **capacity,
    }
