"""Listening histories become landing data: every real play once, at its own time of day, whatever export it is from."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from settlement.cli.inputs import import_listens as import_command
from settlement.errors import BadInput, SettlementError
from settlement.landing.contract import CATALOG, KINDS
from settlement.landing.generator import parse_months
from settlement.landing.importers import ImportOptions, import_listens

KST = timedelta(hours=9)
TITLES = ('"따옴표", 쉼표', "탭\t|파이프", "줄\n바꿈", "역\\슬래시\\", "=1+1", "🎧👩‍🎤", "\u202eשלום\u202c", " 공백 ")
Play = dict[str, Any]


@pytest.fixture
def options(tmp_path: Path) -> ImportOptions:
    services = ("sub_stream", "ad_stream", "promo", "download")
    header = "service,valid_from,valid_to,min_play_ms,max_plays_per_user_track_day,source\n"
    (tmp_path / "reference").mkdir()
    rules = header + "".join(f"{service},2000-01-01,,0,,x\n" for service in services)
    (tmp_path / "reference/service_rule.csv").write_text(rules)
    return ImportOptions(parse_months("2026-02"), tmp_path / "reference")


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="")
    return path


def listens_csv(path: Path, plays: int = 400) -> Path:
    """Two listeners over about a year; titles that break careless readers."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["user", "ended_at_utc_min", "artist", "track", "ms_played", "src_row_id"])
    for number in range(plays):
        ended = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=1_301 * number)
        title = TITLES[number % len(TITLES)]
        writer.writerow(
            [f"u{number % 2}", f"{ended:%Y-%m-%d %H:%M}", f"가수 {number % 7}", title, number * 997, f"h.json:{number}"]
        )
    return write(path, text.getvalue())


def plays_of(out: Path) -> dict[str, Play]:
    plays: dict[str, Play] = {}
    for path in sorted(out.glob("plays/*/*.jsonl.gz")):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            play = json.loads(line)
            assert play["play_id"] not in plays
            plays[play["play_id"]] = {**play, "landed": date.fromisoformat(path.parent.name[3:])}
    return plays


def rows_of(out: Path, kind: str, name: str = "*") -> list[dict[str, str]]:
    texts = [gzip.decompress(path.read_bytes()).decode() for path in sorted(out.glob(f"{kind}/{name}.csv.gz"))]
    return [row for text in texts for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)]


def tracks_of(out: Path) -> dict[int, tuple[str, str]]:
    rows = rows_of(out, "catalog/dt=2026-02-28", "tracks")
    return {int(row["track_id"]): (row["artist"], row["title"]) for row in rows}


def ended(play: Play) -> datetime:
    return datetime.fromisoformat(play["started_at"]) + timedelta(milliseconds=play["ms_played"])


def imported(tmp_path: Path, options: ImportOptions, *files: Path) -> dict[str, Play]:
    import_listens(files, tmp_path / "L", options)
    return plays_of(tmp_path / "L")


def test_every_play_lands_once_at_its_time_of_day_on_the_day_it_ended(tmp_path: Path, options: ImportOptions) -> None:
    source = listens_csv(tmp_path / "plays.csv")
    plays = imported(tmp_path, options, source)
    rows = list(csv.DictReader(io.StringIO(source.read_text(encoding="utf-8"), newline="")))
    assert set(plays) == {f"{row['user']}:{row['src_row_id']}" for row in rows}
    tracks = tracks_of(tmp_path / "L")
    for row in rows:
        play = plays[f"{row['user']}:{row['src_row_id']}"]
        real = datetime.fromisoformat(row["ended_at_utc_min"]) + KST
        assert ended(play).time() == real.time()
        assert ended(play).date() == play["landed"]
        assert play["landed"] in options.month
        assert play["ms_played"] == int(row["ms_played"])
        assert tracks[play["track_id"]] == (row["artist"], row["track"])


def test_each_window_of_a_month_is_a_listener_of_its_own(tmp_path: Path, options: ImportOptions) -> None:
    source = listens_csv(tmp_path / "plays.csv")
    plays = imported(tmp_path, options, source)
    of_user = defaultdict(list)
    for row in csv.DictReader(io.StringIO(source.read_text(encoding="utf-8"), newline="")):
        play = plays[f"{row['user']}:{row['src_row_id']}"]
        real = (datetime.fromisoformat(row["ended_at_utc_min"]) + KST).date()
        of_user[play["user_id"]].append((row["user"], real, (real - play["landed"]).days))
    assert len(of_user) == 2 * 13
    for seen in of_user.values():
        assert len({user for user, _, _ in seen}) == 1
        assert len({shift for _, _, shift in seen}) == 1
        assert max(day for _, day, _ in seen) - min(day for _, day, _ in seen) < timedelta(days=28)


def test_user_ids_do_not_depend_on_the_other_files(tmp_path: Path, options: ImportOptions) -> None:
    mine = listens_csv(tmp_path / "a/plays.csv", 50)
    other = write(tmp_path / "b/Streaming.json", spotify(("2024-05-01 10:00", "A", "B", 1)))
    import_listens([mine], tmp_path / "alone", options)
    import_listens([other, mine], tmp_path / "both", options)
    alone, both = plays_of(tmp_path / "alone"), plays_of(tmp_path / "both")
    assert len(both) == len(alone) + 1
    assert {key: play["user_id"] for key, play in alone.items()}.items() <= {k: p["user_id"] for k, p in both.items()}.items()


def test_the_same_import_gives_the_same_bytes(tmp_path: Path, options: ImportOptions) -> None:
    source = listens_csv(tmp_path / "plays.csv", 60)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        import_listens([source], tmp_path / name, replace(options, seed=seed))
    trees = [{str(p.relative_to(tmp_path / n)): p.read_bytes() for p in (tmp_path / n).rglob("*.gz")} for n in "abc"]
    assert trees[0] == trees[1]
    assert trees[0] != trees[2]


def test_a_day_without_plays_arrives_empty_beside_a_whole_catalogue(tmp_path: Path, options: ImportOptions) -> None:
    imported(tmp_path, options, write(tmp_path / "u/h.json", spotify(("2024-05-01 10:00", "A", "B", 1))))
    for kind in KINDS:
        folders = sorted((tmp_path / "L" / kind).iterdir())
        assert [folder.name for folder in folders] == [f"dt={day}" for day in options.month.days]
        assert all((folder / "_SUCCESS").exists() for folder in folders)
    assert [path.name for path in (tmp_path / "L/plays/dt=2026-02-02").iterdir()] == ["_SUCCESS"]
    for name, spec in CATALOG.items():
        rows = rows_of(tmp_path / "L", "catalog/dt=2026-02-28", name)
        for column, form in spec.columns.items():
            assert form.first_bad(pa.array([row[column] for row in rows], pa.string())) is None, (name, column)


def test_listeners_have_products_of_many_kinds_and_pay_for_the_month(tmp_path: Path, options: ImportOptions) -> None:
    plays = imported(tmp_path, options, listens_csv(tmp_path / "plays.csv"))
    assert len({play["product_id"] for play in plays.values()}) == 7
    assert any(play["subscription_id"] is None for play in plays.values())
    paid: dict[int, set[date]] = defaultdict(set)
    for row in rows_of(tmp_path / "L", "payments/*"):
        if row["kind"] == "charge":
            first, last = date.fromisoformat(row["service_start"]), date.fromisoformat(row["service_end"])
            paid[int(row["subscription_id"])] |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
    charged = {play["subscription_id"] for play in plays.values()} - {None}
    late = {sub for sub in charged if not set(options.month.days) <= paid[sub]}
    assert len(late) <= len(charged) // 2  # what is paid at the month's end may be delivered after it
    assert all(set(options.month.days[:20]) <= paid[sub] for sub in charged)
    assert any(int(row["amount_krw"]) > 0 for row in rows_of(tmp_path / "L", "other_revenue/*"))


def spotify(*plays: tuple[str, str, str, object]) -> str:
    names = ("endTime", "artistName", "trackName", "msPlayed")
    return json.dumps([dict(zip(names, play, strict=True)) for play in plays], ensure_ascii=False)


def test_spotify_account_history(tmp_path: Path, options: ImportOptions) -> None:
    history = spotify(("2021-04-22 05:41", "가수", TITLES[0], 6_408), ("2021-04-22 05:41", "가수", TITLES[0], 6_408))
    plays = imported(tmp_path, options, write(tmp_path / "me/StreamingHistory0.json", history))
    assert set(plays) == {"me:StreamingHistory0.json:0", "me:StreamingHistory0.json:1"}
    play = plays["me:StreamingHistory0.json:0"]
    assert play["started_at"] == "2026-02-01T14:40:53.592+09:00"
    assert play["ms_played"] == 6_408
    assert tracks_of(tmp_path / "L")[play["track_id"]] == ("가수", TITLES[0])


def test_spotify_extended_history_with_podcasts_and_what_it_knows_more(tmp_path: Path, options: ImportOptions) -> None:
    song = {
        "ts": "2022-01-01T15:00:01Z",
        "platform": "iOS 15",
        "ms_played": 1_000,
        "conn_country": "DE",
        "master_metadata_track_name": "곡",
        "master_metadata_album_artist_name": "가수",
        "master_metadata_album_album_name": "앨범",
        "spotify_track_uri": "spotify:track:1",
        "offline": True,
    }
    podcast = {"ts": "2022-01-01T16:00:00Z", "ms_played": 5, "episode_name": "1화", "episode_show_name": "방송"}
    lost = {"ts": "2022-01-01T17:00:00Z", "ms_played": 0, "master_metadata_track_name": None, "offline": None}
    content = json.dumps([song, podcast, lost])
    plays = imported(tmp_path, options, write(tmp_path / "me/Streaming_History_Audio_2022_1.json", content))
    first = plays["me:Streaming_History_Audio_2022_1.json:0"]
    assert (first["device"], first["country"], first["offline"]) == ("iOS 15", "DE", True)
    assert first["started_at"] == "2026-02-01T00:00:00.000+09:00"
    assert set(tracks_of(tmp_path / "L").values()) == {("가수", "곡"), ("방송", "1화"), ("(unknown)", "(unknown)")}
    assert "앨범" in {row["title"] for row in rows_of(tmp_path / "L", "catalog/dt=2026-02-28", "albums")}
    assert "offline" not in plays["me:Streaming_History_Audio_2022_1.json:2"]


def listen(at: int, track: str = "T", user: str | None = None, **info: object) -> str:
    row = {"listened_at": at, "track_metadata": {"artist_name": "A", "track_name": track, "additional_info": info}}
    return json.dumps(row | ({"user_name": user} if user else {}))


def test_listenbrainz_listens_last_as_long_as_the_recording(tmp_path: Path, options: ImportOptions) -> None:
    lines = [
        listen(1_700_000_000, duration_ms=123_456),
        listen(1_700_001_000, duration=61.5),
        listen(1_700_002_000, duration="90"),
        listen(1_700_003_000, recording_msid="r-1"),
        listen(1_700_003_000, "U", user="eve", duration_ms=-1),
    ]
    source = tmp_path / "export/listens/2023/11.jsonl.gz"
    source.parent.mkdir(parents=True)
    source.write_bytes(gzip.compress("\n".join(lines).encode()))
    plays = imported(tmp_path, options, source)
    by_start = sorted(plays.values(), key=lambda play: (play["started_at"], play["track_id"]))
    assert [play["ms_played"] for play in by_start] == [123_456, 61_500, 90_000, 210_000, 210_000]
    assert by_start[0]["started_at"].endswith("T07:13:20.000+09:00")
    assert len({play["user_id"] for play in by_start}) == 2
    assert "export:1700003000:r-1" in plays


def test_listenbrainz_as_one_array_and_the_same_listen_twice_keeps_its_id(tmp_path: Path, options: ImportOptions) -> None:
    same = listen(1_700_000_000)
    first = write(tmp_path / "x/a.json", f"[{same}]")
    second = write(tmp_path / "x/b.jsonl", f"{same}\n")
    result = import_listens([first, second], tmp_path / "L", options)
    lines = [line for p in (tmp_path / "L").glob("plays/*/*.gz") for line in gzip.decompress(p.read_bytes()).splitlines()]
    assert result.plays == len(lines) == 2
    assert len(set(lines)) == 1


def test_folders_of_the_same_name_are_different_listeners(tmp_path: Path, options: ImportOptions) -> None:
    files = [write(tmp_path / f"{who}/MyData/h.json", spotify(("2024-05-01 10:00", "A", who, 1))) for who in ("kim", "lee")]
    plays = imported(tmp_path, options, *files)
    assert len(plays) == len({play["user_id"] for play in plays.values()}) == 2
    assert all(len(play_id) <= 64 for play_id in plays)


CSV_HEADER = "user,ended_at_utc_min,artist,track,ms_played,src_row_id\n"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("h.json", "", "is empty"),
        ("h.json", "[{]", "not JSON"),
        ("h.json", "[1]", "row 1: is not a JSON object"),
        ("h.json", "[]", "no plays in it"),
        ("h.json", spotify(("2024-05-01 10:00", "A", "B", 1), ("2024-02-30 10:00", "A", "B", 1)), "row 2: endTime"),
        ("h.json", spotify(("2024-05-01 10:00", "A", "B", "x")), "row 1: msPlayed is 'x'"),
        ("h.json", spotify(("2024-05-01 10:00", "", "B", 1)), "row 1: artistName is ''"),
        ("h.json", '[{"a": 1}]', "row 1: has neither endTime nor ts"),
        ("h.json", '[{"ts": "2024-05-01T10:00:00Z", "ms_played": -1}]', "row 1: ms_played is -1"),
        ("l.jsonl", listen(1) + "\n\n" + listen(2), "row 2: not JSON"),
        ("l.jsonl", '{"listened_at": "x"}', "row 1: listened_at is 'x'"),
        ("l.jsonl", '{"listened_at": 1}', "row 1: no track_metadata"),
        ("l.jsonl", '{"listened_at": 1, "track_metadata": {"artist_name": "A"}}', "row 1: track_name is None"),
        ("p.csv", "user,artist\nu,a\n", "no column ended_at_utc_min, track, ms_played, src_row_id"),
        ("p.csv", CSV_HEADER + "u1,2024-05-01 10:00,A,B,1\n", "row 1: has 5 fields, the header has 6"),
        ("p.csv", CSV_HEADER + 'u1,2024-05-01 10:00,A,B,1,k\nu1,2024-05-01 10:00,"A,B,1,k\n', "row 2: broken CSV"),
        ("p.csv", CSV_HEADER + "u1,2024-05-01 25:00,A,B,1,k\n", "row 1: ended_at_utc_min is '2024-05-01 25:00'"),
        ("p.csv", CSV_HEADER + "u1,2024-05-01 10:00,A,B,86400001,k\n", "row 1: ms_played is 86400001"),
        ("p.csv", CSV_HEADER + "u1,2024-05-01 10:00,A,B,1,\n", "row 1: src_row_id is ''"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, options: ImportOptions, name: str, content: str, says: str) -> None:
    source = write(tmp_path / name, content)
    with pytest.raises(BadInput) as raised:
        import_listens([source], tmp_path / "L", options)
    assert name in raised.value.message
    assert says in raised.value.message
    assert not (tmp_path / "L").exists()


def test_files_that_cannot_be_opened_are_named(tmp_path: Path, options: ImportOptions) -> None:
    good = listens_csv(tmp_path / "plays.csv", 4)
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(good.read_bytes())[:-9])
    (tmp_path / "latin.csv").write_bytes(b"user\n\xff\n")
    for name, says in (
        ("none.csv", "cannot be read"),
        ("cut.csv.gz", "cut short"),
        ("latin.csv", "not UTF-8 at line 2"),
    ):
        with pytest.raises(BadInput, match=f"{name}: .*{says}"):
            import_listens([tmp_path / name], tmp_path / "L", options)
    with pytest.raises(BadInput, match="is given twice"):
        import_listens([good, tmp_path / "." / "plays.csv"], tmp_path / "L", options)


def test_an_import_fills_one_month_and_a_new_folder(tmp_path: Path, options: ImportOptions) -> None:
    source = listens_csv(tmp_path / "plays.csv", 4)
    with pytest.raises(SettlementError, match="one month"):
        import_listens([source], tmp_path / "L", replace(options, month=parse_months("2026-01..2026-02")))
    (tmp_path / "L/plays").mkdir(parents=True)
    with pytest.raises(SettlementError, match="not an empty folder"):
        import_listens([source], tmp_path / "L", options)


def test_the_command_says_what_it_wrote_and_what_comes_next(tmp_path: Path, options: ImportOptions) -> None:
    app = typer.Typer()
    app.command()(import_command)
    source = listens_csv(tmp_path / "plays.csv", 20)
    arguments = [str(source), "--month", "2026-02", "--out", str(tmp_path / "L"), "--format", "csv"]
    result = CliRunner().invoke(app, [*arguments, "--reference", str(options.reference)])
    assert result.exit_code == 0, result.output
    assert "Wrote 20 plays" in result.stdout
    assert "settlement run --landing" in result.stdout
