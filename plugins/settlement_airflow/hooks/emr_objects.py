"""What EMR steps read and write in the object store beside tables: their scripts, and their logs."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from typing import Any
from urllib.parse import urlsplit

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowFailException
from botocore.exceptions import BotoCoreError, ClientError

from settlement.settings_emr import EmrSettings, emr_settings
from settlement_airflow.hooks.emr_errors import asking
from settlement_airflow.hooks.emr_names import sha256

_TAIL_BYTES = 1_500
_EXISTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")


class EmrObjectsHook(BaseHook):
    """Puts scripts, each under the hash of its content, and reads logs."""

    def __init__(self, chosen: EmrSettings | None = None) -> None:
        super().__init__()
        self.settings = chosen or emr_settings()
        self._made: Any = None

    @property
    def _client(self) -> Any:
        if self._made is None:
            hook = AwsBaseHook(aws_conn_id=self.settings.connection or None, client_type="s3", region_name=self.settings.region)
            self._made = hook.get_conn()
        return self._made

    def put_script(self, script: str) -> str:
        """Write a script under its hash, unless it is there, and return its s3:// address.

        What lies under the hash is never replaced. If something lies there already, it is read back and must be the same.

        Raises:
            AirflowFailException: something else lies there; or the store refuses.
            AirflowException: the store can't be reached now.
            SettlementError: SETTLEMENT_EMR_SCRIPTS isn't set.
        """
        content = script.encode()
        address = self.address(sha256(script))
        bucket, key = _split(address)
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.settings.kms_key} if self.settings.kms_key else {}
        with asking(f"writing {address}"):
            try:
                self._client.put_object(
                    Bucket=bucket, Key=key, Body=content, IfNoneMatch="*", ContentType="text/plain", **encryption
                )
            except ClientError as error:
                if error.response["Error"]["Code"] not in _EXISTS:
                    raise
        self.require_script(sha256(script))
        return address

    def address(self, script_sha256: str) -> str:
        """Where a script lies."""
        return f"{self.settings.required('scripts')}/{script_sha256}.hql"

    def require_script(self, script_sha256: str) -> None:
        """Raise unless what lies under the hash has this hash.

        Raises:
            AirflowFailException: it has another, or is gone.
        """
        address = self.address(script_sha256)
        bucket, key = _split(address)
        with asking(f"reading {address}"):
            found = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        if hashlib.sha256(found).hexdigest() != script_sha256:
            raise AirflowFailException(
                f"{address} isn't what its name says: somebody replaced it\n"
                f"  → find out who may write there, delete the object, then clear the task"
            )

    def log_tail(self, address: str) -> str:
        """The end of a step's log, or where it will be: EMR uploads logs some minutes after the step has ended."""
        try:
            bucket, key = _split(address)
            packed = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
            text = (gzip.decompress(packed) if key.endswith(".gz") else packed).decode(errors="replace")
        except (ClientError, BotoCoreError, OSError, zlib.error, EOFError):
            return f"its log isn't there yet; EMR uploads it within some minutes: {address}"
        return text[-_TAIL_BYTES:].strip()


def _split(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.netloc, parts.path.lstrip("/")
