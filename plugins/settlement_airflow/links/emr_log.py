"""From a task to its EMR cluster and to its step's log."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.providers.amazon.aws.links.base_aws import BASE_AWS_CONSOLE_LINK, BaseAwsLink


class ClusterLink(BaseAwsLink):
    """Opens the cluster in the EMR console.

    The provider's `EmrClusterLink` goes to the same page; its module loads AWS's whole client, each time a DAG is parsed.
    """

    name = "EMR cluster"
    key = "emr_cluster"
    format_str = BASE_AWS_CONSOLE_LINK + "/emr/home?region={region_name}#/clusterDetails/{job_flow_id}"


class EmrStepLogLink(BaseAwsLink):
    """Opens the folder of the step's log in the S3 console.

    The provider's `EmrLogsLink` shows the cluster's folder, in which one
    would have to look for the step, so this one is of the same kind and goes to the step.
    """

    name = "EMR step log"
    key = "emr_step_log"
    format_str = BASE_AWS_CONSOLE_LINK + "/s3/buckets/{bucket}?region={region_name}&prefix={prefix}"

    def format_link(self, **kwargs: Any) -> str:
        """The address; empty when the cluster keeps no logs."""
        return super().format_link(**kwargs) if kwargs.get("bucket") else ""


def log_folder(log_uri: str, cluster: str, step: str) -> tuple[str, str]:
    """Bucket and prefix of a step's log; both empty when the cluster keeps no logs.

    Args:
        log_uri: the cluster's, `s3://bucket/folder/` or `s3n://…`.
    """
    parts = urlsplit(log_uri)
    folder = parts.path.strip("/")
    prefix = f"{folder}/{cluster}/steps/{step}/" if folder else f"{cluster}/steps/{step}/"
    return (parts.netloc, prefix) if parts.netloc else ("", "")
