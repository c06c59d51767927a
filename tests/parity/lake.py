"""An object store as a warehouse: tables' files are put under the layout of builds and fetched back."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from settlement.engines.duckdb import arrow_schema
from settlement.engines.places import Pin, Places
from settlement.tables import Table

_AT_ONCE = 8


@dataclass(frozen=True)
class Lake:
    """Places in an object store, and a boto3 client that may do everything there."""

    places: Places
    client: Any

    def put_rows(self, table: Table, pin: Pin, rows: Sequence[Mapping[str, object]]) -> None:
        """Write rows as the one file of a build."""
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(list(rows), schema=arrow_schema(table)), buffer)
        self._put(f"{self.places.location(table, pin)}/part-00000.parquet", buffer.getvalue())

    def put_folders(self, folders: Iterable[tuple[Table, Pin, Path]]) -> None:
        """Write the files of local builds."""
        files = [
            (f"{self.places.location(table, pin)}/{path.name}", path)
            for table, pin, folder in folders
            for path in folder.iterdir()
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda file: self._put(file[0], file[1].read_bytes()), files))

    def fetch(self, table: Table, pin: Pin, folder: Path) -> Path:
        """Fetch all files of a build, wherever below its location they lie, into a local folder.

        A build without rows may have no file: then there is none in the folder either.
        """
        bucket, prefix = _parts(self.places.location(table, pin) + "/")
        folder.mkdir(parents=True)
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", []):
                name = found["Key"].removeprefix(prefix)
                if found["Size"]:
                    assert "/" not in name, f"{found['Key']}: other engines don't look into folders of a partition"
                    assert name.endswith(".parquet"), f"{found['Key']}: the audit sees *.parquet only"
                    self.client.download_file(bucket, found["Key"], str(folder / name))
        return folder

    def _put(self, url: str, data: bytes) -> None:
        bucket, key = _parts(url)
        self.client.put_object(Bucket=bucket, Key=key, Body=data)


def _parts(url: str) -> tuple[str, str]:
    split = urlsplit(url)
    return split.netloc, split.path.lstrip("/")
