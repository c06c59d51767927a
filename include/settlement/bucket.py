"""S3 as s3fs speaks it, but what fails is an error for people that names the place."""

from __future__ import annotations

from errno import ENOENT
from typing import Any

from fsspec.asyn import sync_wrapper  # type: ignore[import-untyped]
from s3fs import S3FileSystem  # type: ignore[import-untyped]

from settlement.storage_errors import of_request


class Bucket(S3FileSystem):  # type: ignore[misc]  # s3fs has no types
    """Every request that s3fs sends passes `_call_s3`; that nothing is there stays a FileNotFoundError, with the place."""

    async def _call_s3(self, method: str, *given: Any, **request: Any) -> Any:
        """Send a request.

        Raises:
            StorageError: the bucket isn't there, doesn't answer, or refuses.
            FileNotFoundError: the object isn't there.
        """
        try:
            return await super()._call_s3(method, *given, **request)
        except Exception as error:
            translated = of_request(error, _place(request))
            if translated is None:
                raise
            raise translated from error

    call_s3 = sync_wrapper(_call_s3)  # that of s3fs is bound to its own method

    async def _info(self, path: str, *given: Any, **options: Any) -> Any:
        try:
            return await super()._info(path, *given, **options)
        except FileNotFoundError as error:
            raise FileNotFoundError(ENOENT, "nothing is there", f"s3://{self._strip_protocol(path)}") from error


def _place(request: dict[str, Any]) -> str:
    key = request.get("Key") or request.get("Prefix") or ""
    return f"s3://{request.get('Bucket') or ''}/{key}".rstrip("/")
