"""The audit pack: the same bytes every time, complete, naming no listener, and checked without the package."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from settlement.ledger.verify import HASHED
from settlement.pipeline import days_of
from settlement.warehouse import Partition, canonical_json
from tests.integration.bad import HouseIn
from tests.integration.example import LAST, MONTH
from tests.integration.house import Answer, House, tree
from tests.integration.test_ledger_chain import EVE, attack, rehash, sql

Files = dict[str, bytes]


def packed(house: House, *options: object) -> tuple[Answer, Files]:
    out = house.root / "pack.zip"
    answer = house.command("audit", "pack", "--month", MONTH, "--out", out, *options)
    with zipfile.ZipFile(out) as archive:
        return answer, {name: archive.read(name) for name in archive.namelist()}


def rows(files: Files, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode())))


def unpack(files: Files, root: Path) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def readme_parts(files: Files) -> tuple[str, str]:
    """The shell lines and the Python lines of README.txt that check the chain."""
    text = files["README.txt"].decode()
    shell, python = re.split(r"All lines, with Python and nothing else\n", text)
    shell = shell[shell.index("  n=1") :]
    python = python[: python.index("\nCheck the end")]
    return shell, re.sub("^  ", "", python, flags=re.MULTILINE)


def test_the_same_ledger_gives_the_same_bytes_whole_and_sorted(house_in: HouseIn) -> None:
    house = house_in("closed")
    answer, files = packed(house)
    assert answer.code == 0, answer.err
    first = (house.root / "pack.zip").read_bytes()
    packed(house, "--version", 1)
    assert (house.root / "pack.zip").read_bytes() == first
    assert list(files) == sorted(files)
    assert sorted(path.name for path in house.root.glob("*pack*")) == ["pack.zip"]
    sums = dict(reversed(line.split("  ", 1)) for line in files["SHA256SUMS"].decode().splitlines())
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "SHA256SUMS"}


def test_the_chain_is_checked_by_what_the_readme_says_and_by_nothing_of_ours(house_in: HouseIn) -> None:
    house = house_in("closed")
    _, files = packed(house)
    folder = house.root / "unpacked"
    unpack(files, folder)
    shell, python = readme_parts(files)
    head = json.loads(files["head.json"])
    for number in (1, 70, head["seq"]):
        script = shell.replace("n=1 ", f"n={number} ")
        lines = subprocess.run(["bash", "-euc", script], cwd=folder, check=True, capture_output=True, text=True).stdout.split()
        assert lines[0] == lines[-1] == list(house.ledger.records())[number - 1].hash
    checked = [sys.executable, "-I", "-c", python]
    said = subprocess.run(checked, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    assert said == head["hash"] == list(house.ledger.records())[-1].hash
    chain = folder / "chain.jsonl"
    chain.write_text(chain.read_text("utf-8").replace("Bea", "Eve"), "utf-8")
    assert subprocess.run(checked, cwd=folder, check=False, capture_output=True).returncode != 0


def test_the_chain_holds_every_record_and_every_anchor_stands_in_it(house_in: HouseIn) -> None:
    house = house_in("closed")
    _, files = packed(house)
    chain = [json.loads(line) for line in files["chain.jsonl"].splitlines()]
    records = list(house.ledger.records())
    assert [row["hash"] for row in chain] == [record.hash for record in records]
    assert all(set(row["record"]) == set(HASHED) for row in chain)
    head = json.loads(files["head.json"])
    assert head["problems"] == []
    assert len(head["anchors"]) == len(house.ledger.anchors()) > 80
    assert all(chain[anchor["seq"] - 1]["hash"] == anchor["hash"] for anchor in head["anchors"])


def test_the_population_is_every_record_of_the_month_and_its_days(house_in: HouseIn) -> None:
    house = house_in("closed")
    _, files = packed(house)
    records = [r for r in house.ledger.records() if r.partition.key[:7] == MONTH]
    population = rows(files, "population.csv")
    assert [int(row["seq"]) for row in population] == [r.seq for r in records]
    assert {row["asked_by"] for row in population} == {"Ann"}
    assert {row["by"] for row in population if row["kind"] == "approved"} == {"Bea"}
    assert {row["partition"] for row in population} == {MONTH, *days_of(MONTH)}
    publications = rows(files, "publications.csv")
    assert [row["build_id"] for row in publications] == [r.build_id for r in records if r.kind == "published"]
    assert all(len(row["verdict"]) == len(row["files_hash"]) == 64 for row in publications)


def test_builds_follow_one_another_down_to_the_landed_files(house_in: HouseIn) -> None:
    house = house_in("closed")
    _, files = packed(house)
    builds = {build["build_id"]: build for build in json.loads(files["builds.json"])}
    assert all(build["used"] for build in builds.values())
    assert all(other in builds for build in builds.values() for other in build["pins"].values())
    top = house.heads()[("statements", MONTH, 1)]
    assert builds[top]["rows_hashes"].keys() >= {"mart.statement_royalty"} or "mart.statement" in builds[top]["rows_hashes"]
    landed = tree(house.landing)
    expected = {
        name: (len(data), hashlib.sha256(data).hexdigest())
        for name, data in landed.items()
        if f"dt={MONTH}" in name and "_SUCCESS" not in name
    }
    listed = rows(files, "landing.csv")
    assert {row["file"]: (int(row["bytes"]), row["sha256"]) for row in listed} == expected
    assert {row["build_id"] for row in listed} == {b["build_id"] for b in builds.values() if b["stage"] == "raw"}


def test_the_rules_are_there_as_they_were_frozen_and_the_rates_as_the_pools_keep_them(house_in: HouseIn) -> None:
    house = house_in("closed")
    _, files = packed(house)
    [release] = json.loads(files["releases.json"])
    place = f"releases/{release['release']}"
    for part in ("sql", "reference"):
        frozen = tree(house.warehouse / place / part)
        assert {
            name.removeprefix(f"{place}/{part}/"): data for name, data in files.items() if name.startswith(f"{place}/{part}/")
        } == frozen
    manifest = json.loads(house.published()[f"month={MONTH}/version=1/partner=1/manifest.json"])
    assert release["rules_hash"] == manifest["rules_hash"]
    rates = rows(files, "rates_used.csv")
    pools = list(csv.DictReader(io.StringIO(house.export("pool", "--month", MONTH).decode())))
    assert [(r["product_id"], r["right_type"], r["winner"]) for r in rates] == [
        (p["product_id"], p["right_type"], p["winner"]) for p in pools
    ]
    assert {r["rate_source"] for r in rates} == {"example"}
    assert ("P", "700001", "700", "105000") in {
        (r["product_id"], r["unit_price_uwon"], r["per_subscriber_krw"], r["revenue_rate_ppm"]) for r in rates
    }


def test_published_files_are_listed_so_that_the_closing_can_be_checked_by_hand(house_in: HouseIn) -> None:
    house = house_in("closed")
    _, files = packed(house)
    listed = rows(files, "published.csv")
    published = {name: data for name, data in house.published().items() if "_SUCCESS" not in name}
    assert {f"month={MONTH}/version=1/{row['file']}": row["sha256"] for row in listed} == {
        name: hashlib.sha256(data).hexdigest() for name, data in published.items()
    }
    assert {row["partner_id"] for row in listed if row["file"].startswith("partner=3/")} == {"3"}
    entries = [f'{{"bytes":{row["bytes"]},"key":"{row["file"]}","sha256":"{row["sha256"]}"}}' for row in listed]
    [closed] = house.ledger.records(kind="closed")
    assert hashlib.sha256(f"[{','.join(entries)}]".encode()).hexdigest() == closed.body["reports"]


def test_whoever_asked_answered_or_was_refused_is_listed(house_in: HouseIn) -> None:
    house = house_in("open")
    ledger, version = house.ledger, Partition(MONTH, 1)
    ledger.append("released", "dag/1", {"release": "r", "package": "1", "commit": "c", "requested_by": "Dan"}, Partition(MONTH))
    ledger.append("rejected", "dag/1", {"by": "Cho"}, version)
    ledger.append("refused", "dag/1", {"by": "Ann", "reason": "asked for it"}, version)
    ledger.append("refused", "dag/1", {"by": "Ann", "reason": "asked for it"}, version)
    ledger.append("redelivery", "cli", {"landing": "h", "files": [], "by": "Eun", "reason": "late"}, Partition(LAST))
    assert house.run(approver="Bea").code == 0
    _, files = packed(house)
    did = {(row["person"], row["did"]): row for row in rows(files, "access.csv")}
    assert {person: sorted(deed for who, deed in did if who == person) for person, _ in did} == {
        "Ann": ["asked for a run", "asked for or cleared what was approved", "was refused as approver"],
        "Bea": ["approved"],
        "Cho": ["rejected"],
        "Dan": ["asked for a run"],
        "Eun": ["accepted a redelivery"],
    }
    refused = did["Ann", "was refused as approver"]
    assert refused["times"] == "2"
    assert refused["first_at"] < refused["last_at"]
    kinds = [record["kind"] for record in json.loads(files["approvals.json"])]
    assert kinds == ["reserved", "rejected", "refused", "refused", "redelivery", "approved", "closed"]
    assert {row["asked_by"] for row in rows(files, "population.csv") if row["kind"] == "released"} == {"Ann", "Dan"}


def test_verdicts_name_no_listener_and_say_when_they_are_not_those_of_the_publication(house_in: HouseIn) -> None:
    house = house_in("closed")
    build_id = house.heads()[("ods", LAST, 0)]
    path = house.warehouse / "verdicts" / f"{build_id}.json"
    _, files = packed(house)
    name = f"verdicts/ods-{LAST}-{build_id}.json"
    verdict = json.loads(files[name])
    assert verdict["hash"] == verdict["recorded_hash"]
    assert verdict["passed"] is True
    written = json.loads(path.read_text("utf-8"))
    sample = [{"user_id": "424242", "line": "424242,x", "play_id": "p1"}]
    written["findings"] = [{"table": "ods.play", "check": "c", "level": "warn", "meaning": "m", "rows": 1, "sample": sample}]
    path.write_text(canonical_json(written), "utf-8")
    (path.parent / f"{build_id}-rows.csv").write_text("a,b\n", "utf-8")
    _, files = packed(house)
    verdict = json.loads(files[name])
    assert verdict["findings"][0]["sample"] == [{"user_id": "…", "line": "…", "play_id": "p1"}]
    assert verdict["hash"] != verdict["recorded_hash"]
    assert b"424242" not in b"".join(files.values())
    assert files[f"verdicts/ods-{LAST}-{build_id}-rows.csv"] == b"a,b\n"
    path.unlink()
    _, files = packed(house)
    assert json.loads(files[name])["problem"] == "the verdict is missing or torn"


def test_an_open_month_is_packed_without_published_files(house_in: HouseIn) -> None:
    house = house_in("open")
    answer, files = packed(house)
    assert answer.code == 0, answer.err
    assert files["published.csv"] == b"partner_id,file,bytes,sha256\n"
    assert [record["kind"] for record in json.loads(files["approvals.json"])] == ["reserved"]


def test_a_ledger_that_does_not_hold_is_packed_and_said_to_be_so(house_in: HouseIn) -> None:
    house = house_in("closed")
    attack(house, sql(EVE), rehash)
    answer, files = packed(house)
    assert answer.code == 1
    [problem] = json.loads(files["head.json"])["problems"]
    assert "the chain was rewritten" in problem
    assert problem in answer.err


def test_a_month_without_statements_has_no_pack(house_in: HouseIn) -> None:
    house = house_in("days")
    answer = house.command("audit", "pack", "--month", MONTH, "--out", house.root / "pack.zip")
    assert answer.code == 1
    assert f"there are no statements of {MONTH}" in answer.err
    assert not (house.root / "pack.zip").exists()
    assert house.command("audit", "pack", "--month", "2026", "--out", house.root / "pack.zip").code == 1
