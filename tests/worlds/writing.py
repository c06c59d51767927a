"""A world as files: the same bytes in memory and on disk, and the same content in other files and another order."""

import gzip
import os
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeVar

from .money import record_text
from .world import COLUMNS, CsvLine, PlayLine, Rows, Snapshot, World

Dated = TypeVar("Dated", PlayLine, CsvLine)
Item = TypeVar("Item")

Folders = dict[str, dict[str, bytes]]
_SNAPSHOT_TABLES = ("products", "tracks", "albums", "partners", "rights", "contracts", "advances")


def write(world: World, landing: Path) -> None:
    """Puts the landing folders of every day below `landing`, each with its `_SUCCESS` last."""
    for path, files in in_memory(world).items():
        folder = f"{landing}/{path}"
        os.makedirs(folder)  # noqa: PTH103 - hundreds of files a world: pathlib would double the time
        for name, data in files.items():
            with open(f"{folder}/{name}", "xb", buffering=0) as file:  # noqa: PTH123
                file.write(data)


def write_reference(world: World, reference: Path) -> None:
    """Puts the three reference tables into `reference`."""
    reference.mkdir(parents=True, exist_ok=True)
    for name, data in reference_files(world).items():
        (reference / name).write_bytes(data)


def in_memory(world: World) -> Folders:
    """The files of each landing folder, by its path below the root: name → bytes, `_SUCCESS` last."""
    rng = random.Random(world.layout)
    plays, payments, other_revenue = _by_day(world.plays), _by_day(world.payments), _by_day(world.other_revenue)
    catalogues = {id(snapshot): _catalogue_files(snapshot, rng) for _, snapshot in world.snapshots}
    folders: Folders = {}
    for day in world.days:
        folders[f"plays/dt={day}"] = _play_files(plays.get(day, []), rng)
        folders[f"payments/dt={day}"] = _csv_files(payments.get(day, []), rng)
        folders[f"other_revenue/dt={day}"] = _csv_files(other_revenue.get(day, []), rng)
        folders[f"catalog/dt={day}"] = dict(catalogues[id(world.snapshot_on(day))])
    for files in folders.values():
        files["_SUCCESS"] = b""
    return folders


def reference_files(world: World) -> dict[str, bytes]:
    """The reference tables by file name."""
    return {
        "rate_card.csv": _table("rate_card", world.rate_card),
        "service_rule.csv": _table("service_rule", world.service_rules),
        "in_app_rule.csv": _table("in_app_rule", world.in_app_rules),
    }


def permuted(world: World, seed: int) -> World:
    """The same plays, payments, revenue and catalogues, in another order and spread otherwise over files."""
    rng = random.Random(seed)
    return replace(
        world,
        plays=_shuffled(world.plays, rng),
        payments=_shuffled(world.payments, rng),
        other_revenue=_shuffled(world.other_revenue, rng),
        snapshots=tuple((first, _shuffled_snapshot(snapshot, rng)) for first, snapshot in world.snapshots),
        rate_card=_shuffled(world.rate_card, rng),
        service_rules=_shuffled(world.service_rules, rng),
        in_app_rules=_shuffled(world.in_app_rules, rng),
        layout=rng.getrandbits(32),
    )


def _shuffled(items: tuple[Item, ...], rng: random.Random) -> tuple[Item, ...]:
    return tuple(rng.sample(items, len(items)))


def _shuffled_snapshot(snapshot: Snapshot, rng: random.Random) -> Snapshot:
    return Snapshot(**{table: _shuffled(getattr(snapshot, table), rng) for table in _SNAPSHOT_TABLES})


def _by_day(lines: Iterable[Dated]) -> dict[date, list[Dated]]:
    result: dict[date, list[Dated]] = defaultdict(list)
    for line in lines:
        result[line.dt].append(line)
    return result


def _pieces(items: Sequence[Item], rng: random.Random) -> list[Sequence[Item]]:
    """The items in one to three runs, some of them perhaps empty."""
    cuts = sorted(rng.randrange(len(items) + 1) for _ in range(rng.randrange(3)))
    return [items[start:end] for start, end in zip([0, *cuts], [*cuts, len(items)], strict=True)]


def _play_files(plays: list[PlayLine], rng: random.Random) -> dict[str, bytes]:
    """Files of lines that end with LF or CRLF; a folder without plays has no file, or an empty one."""
    if not plays and rng.randrange(8):
        return {}
    return {
        f"part-{rng.getrandbits(32):08x}-{number}.jsonl.gz": _play_file(piece, rng)
        for number, piece in enumerate(_pieces(plays, rng))
    }


def _play_file(plays: Sequence[PlayLine], rng: random.Random) -> bytes:
    """The last line may lack its LF, but an empty one would be no line then. A gzip file may have several members."""
    text = b"".join(play.line + (b"\r\n" if play.crlf else b"\n") for play in plays)
    if plays and plays[-1].line and not rng.randrange(4):
        text = text.removesuffix(b"\n").removesuffix(b"\r") if plays[-1].crlf else text.removesuffix(b"\n")
    cut = rng.randrange(len(text) + 1) if not rng.randrange(8) else 0
    return _gzip(text[:cut]) + _gzip(text[cut:]) if cut else _gzip(text)


def _csv_files(lines: list[CsvLine], rng: random.Random) -> dict[str, bytes]:
    """A file or more per header; a folder without rows has no file: a header alone needs a column order to be of."""
    by_header: dict[str, list[CsvLine]] = defaultdict(list)
    for line in lines:
        by_header[line.header].append(line)
    files: dict[str, bytes] = {}
    for header, group in by_header.items():
        for piece in _pieces(group, rng):
            end = rng.choice(("\n", "\r\n"))
            text = end.join([header, *(line.record for line in piece)]) + rng.choice((end, end, ""))
            files[f"{rng.getrandbits(32):08x}-{len(files)}.csv.gz"] = _gzip(text.encode())
    return files


def _catalogue_files(snapshot: Snapshot, rng: random.Random) -> dict[str, bytes]:
    turn = rng.randrange(3)
    return {f"{table}.csv.gz": _gzip(_table(table, getattr(snapshot, table), turn)) for table in _SNAPSHOT_TABLES}


def _table(name: str, rows: Rows, turn: int = 0) -> bytes:
    """The table as CSV, its columns turned by some places."""
    records = [COLUMNS[name], *rows]
    return "".join(record_text([*record[turn:], *record[:turn]]) + "\n" for record in records).encode()


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=1, mtime=0)
