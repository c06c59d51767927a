"""Lines that are no plays: one small defect each."""

from collections.abc import Callable

from .dice import Dice

_NUMBER_DEFECTS = (
    "null",
    '""',
    "true",
    "-1",
    "-0",
    "1.0",
    "1e3",
    "1E0",
    "1234567890123456789",
    '"1234567890123456789"',
    '"-1"',
    '" 1"',
    '"1 "',
    '"1\\n"',
    '"1\\u0000"',
    '"１"',
    '"٣"',
    '"1_0"',
    '"0x1"',
    "[1]",
    '{"id": 1}',
)
_ID_DEFECTS = (
    "null",
    '""',
    "false",
    "1.0",
    "1e3",
    "-0",
    "1234567890123456789",
    '"a b"',
    '"a\\n"',
    '"a\\u0000"',
    '"가"',
    '"a/b"',
    '"é"',
    f'"{"x" * 65}"',
    '["a"]',
    "{}",
)
_INSTANT_DEFECTS = (
    "null",
    "1706745600",
    '""',
    '"2024-02-01"',
    '"2024-02-01T12:00:00"',
    '"2024-02-01T12:00Z"',
    '"2024-02-01 12:00:00Z"',
    '"2024-02-01t12:00:00Z"',
    '"2024-02-01T12:00:00z"',
    '"2024-02-30T12:00:00Z"',
    '"2023-02-29T12:00:00Z"',
    '"2024-13-01T12:00:00Z"',
    '"2024-00-01T12:00:00Z"',
    '"0000-01-01T12:00:00Z"',
    '"12024-02-01T12:00:00Z"',
    '"2024-02-01T24:00:00Z"',
    '"2024-02-01T12:60:00Z"',
    '"2024-02-01T23:59:60Z"',
    '"2024-02-01T12:00:00.Z"',
    '"2024-02-01T12:00:00.1234567Z"',
    '"2024-02-01T12:00:00,5Z"',
    '"2024-02-01T12:00:00+9:00"',
    '"2024-02-01T12:00:00+0900"',
    '"2024-02-01T12:00:00+09"',
    '"2024-02-01T12:00:00+18:01"',
    '"2024-02-01T12:00:00-19:00"',
    '"2024-02-01T12:00:00+09:60"',
    '"2024-02-01T12:00:00Z\\n"',
    '" 2024-02-01T12:00:00Z"',
    '"2024-02-0１T12:00:00Z"',
    '"20240201T120000Z"',
    '"2024-W05-4T12:00:00Z"',
)
DEFECTS = {
    "play_id": _ID_DEFECTS,
    "product_id": _ID_DEFECTS,
    "user_id": _NUMBER_DEFECTS,
    "track_id": _NUMBER_DEFECTS,
    "ms_played": (*_NUMBER_DEFECTS, "86400001", '"86400001"', '"000060000"', "100000000", "6e4", "60000.0"),
    "started_at": _INSTANT_DEFECTS,
}
"""By required field: JSON values that are off its form."""

_UNKNOWN_FIELD_DEFECTS = (
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"01",
    b"+1",
    b".5",
    b"1.",
    b"1e",
    b"0x10",
    b"tru",
    b"None",
    b"'x'",
    b'"\\ud83d"',
    b'"\\ude00\\ud83d"',
    b'["a", {"b": "\\uDBFFx"}]',
    b'"\\u12G4"',
    b'"\\x41"',
    b'"a\tb"',
    b'"a\x01b"',
    b'"\xff"',
    b'"\xc0\x80"',
    b'"\xed\xa0\xbd\xed\xb8\x80"',
    b'"\xf5\x80\x80\x80"',
    b'"\xea\xb0"',
    b"[1,]",
    b"[1 2]",
    b'{"a" 1}',
    b"{1: 2}",
    b"",
)

_WHOLE_LINE_DEFECTS: tuple[Callable[[bytes], bytes], ...] = (
    lambda _: b"",
    lambda _: b"  \t",
    lambda _: b"[]",
    lambda _: b"{}",
    lambda _: b"null",
    lambda _: b'"text"',
    lambda line: line[:-1],
    lambda line: line[: len(line) // 2],
    lambda line: line[1:],
    lambda line: line + b" x",
    lambda line: line + line,
    lambda line: line + b",",
    lambda line: line + b"\x00",
    lambda line: b"[" + line + b"]",
    lambda line: line[:-1] + b",}",
    lambda line: line.replace(b'"', b"'"),
    lambda line: b"\x0b" + line,
    lambda line: b"\xc2\xa0" + line,
    lambda line: line + b"\x0c",
    lambda line: b"// " + line,
    lambda line: line + b"\xff",
    lambda line: line.decode("utf-8").encode("utf-16-le").replace(b"\n", b" "),
    lambda line: line.replace(b'"play_id"', b'"Play_id"', 1).replace(b'"play\\u005fid"', b'"PLAY_ID"', 1),
)
_OVERSIZED = b" " * (1 << 20)


def spoil_line(dice: Dice, line: bytes) -> bytes:
    """A well-formed line (a JSON object that ends with its brace) with one defect outside the required fields."""
    choice = dice.below(96)
    if choice == 95:
        return line + _OVERSIZED
    if choice % 2:
        return dice.pick(_WHOLE_LINE_DEFECTS)(line)
    return line[:-1] + b', "unknown": ' + dice.pick(_UNKNOWN_FIELD_DEFECTS) + b"}"
