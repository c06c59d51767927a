"""The reader of CSV files: records with their raw text, forms and rules across columns, errors with file and row."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.errors import BadInput
from settlement.landing import records, rows
from settlement.landing.contract import CATALOG, OTHER_REVENUE, PAYMENTS, CsvFile

HEADER = ",".join(PAYMENTS.columns)
GOOD = "p1,charge,,7,3,sub,web,2026-02-01T10:00:00+09:00,11000,11000,2026-02-01,2026-02-28"


def parsed(text: str | bytes, spec: CsvFile = PAYMENTS, day: str = "2026-02-01") -> list[dict[str, Any]]:
    data = text.encode() if isinstance(text, str) else text
    return [row for table in rows.parse(io.BytesIO(data), "payments/f.csv.gz", spec, day) for row in table.to_pylist()]


def test_a_row_keeps_its_texts_its_raw_record_and_its_instant() -> None:
    (row,) = parsed(f"{HEADER}\r\n{GOOD}\r\n")
    assert (row["file"], row["row_no"], row["line"]) == ("payments/f.csv.gz", 1, GOOD)
    assert (row["payment_id"], row["gross_krw"]) == ("p1", "11000")
    assert (row["paid_at_us"], row["paid_kst_day"]) == (1_769_907_600_000_000, 20485)


def test_columns_are_found_by_name_others_and_another_order_are_accepted() -> None:
    header = "memo,extra,amount_krw,product_id,revenue_id"
    (row,) = parsed(f"{header}\nhello,x,-5,sub,r1\n", OTHER_REVENUE)
    assert (row["revenue_id"], row["amount_krw"], row["memo"]) == ("r1", "-5", "hello")


def test_hostile_text_in_quotes_survives_with_its_raw_record() -> None:
    memo = 'tab\t, "quote" | pipe\r\nline 두 줄 🎧\\'
    record = 'r1,sub,5,"' + memo.replace('"', '""') + '"'
    first, second = parsed(f"revenue_id,product_id,amount_krw,memo\n{record}\nr2,sub,6,\n", OTHER_REVENUE)
    assert (first["memo"], first["line"], first["row_no"]) == (memo, record, 1)
    assert (second["revenue_id"], second["row_no"]) == ("r2", 2)


def test_a_file_with_a_header_alone_has_no_rows() -> None:
    assert parsed(f"{HEADER}\n") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header row"),
        (HEADER.replace("gross_krw", "gross") + "\n", "column gross_krw is missing; the header is"),
        (HEADER + ",kind\n", "column kind is there twice"),
        (f"{HEADER}\n{GOOD}\n{GOOD},x\n", "row 2: broken CSV: 13 fields where the header has 12"),
        (f"{HEADER}\n{GOOD}\n\n", "row 2: broken CSV"),
        (f'{HEADER}\n{GOOD}\n"p2{GOOD}', "row 2: broken CSV: unexpected end of data"),
        (f'{HEADER}\n"p"2{GOOD}\n', "row 1: broken CSV"),
        (f"{HEADER}\n{GOOD}\np\r2{GOOD}\n", "row 2: broken CSV"),
    ],
)
def test_broken_csv_is_refused_with_file_and_row(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parsed(text)
    assert str(caught.value).startswith("payments/f.csv.gz")
    assert message in str(caught.value)


def test_text_that_is_no_utf_8_is_refused_with_its_row() -> None:
    with pytest.raises(BadInput, match=r"row 2: not UTF-8: invalid start byte"):
        parsed(f"{HEADER}\n{GOOD}\n".encode() + b"\xff")


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("payment_id", "", "must be a text that isn't empty"),
        ("kind", "gift", "must be one of charge, refund"),
        ("user_id", "", "1 to 18 digits"),
        ("user_id", "u1", "1 to 18 digits"),
        ("subscription_id", "s1", "1 to 18 digits, or empty"),
        ("product_id", "a b", "an id of 1 to 64"),
        ("sale_channel", "shop", "must be one of web"),
        ("paid_at", "2026-02-30T10:00:00Z", "ISO 8601"),
        ("paid_at", "2026-02-01T10:00:00", "ISO 8601"),
        ("gross_krw", "-1", "whole won from 0"),
        ("gross_krw", "1000000001", "whole won from 0"),
        ("gross_krw", "1.5", "whole won from 0"),
        ("web_price_krw", "", "whole won from 0"),
        ("service_start", "2026-2-1", "a real date"),
        ("service_end", "", "a real date"),
        ("refund_of", "p0", "on a charge: must be empty"),
        ("service_start", "2026-03-01", "service_end 2026-02-28 lies before service_start 2026-03-01"),
        ("service_start", "2025-01-24", "has 401 days: at most 400"),
        ("service_end", "2027-03-09", "has 402 days: at most 400"),
    ],
)
def test_a_value_off_its_form_is_refused_with_file_row_and_reason(column: str, value: str, says: str) -> None:
    fields = GOOD.split(",")
    fields[list(PAYMENTS.columns).index(column)] = value
    with pytest.raises(BadInput) as caught:
        parsed(f"{HEADER}\n{GOOD}\n{','.join(fields)}\n")
    assert caught.value.row == 2
    assert says in caught.value.reason


def test_a_service_range_may_have_400_days_and_end_400_days_after_the_landing_day() -> None:
    longest = GOOD.replace("2026-02-01,2026-02-28", "2026-02-01,2027-03-07")
    assert len(parsed(f"{HEADER}\n{longest}\n")) == 1
    late = GOOD.replace("2026-02-01,2026-02-28", "2026-03-01,2027-03-08")
    assert len(parsed(f"{HEADER}\n{late}\n")) == 1
    with pytest.raises(BadInput, match="401 days after the landing day"):
        parsed(f"{HEADER}\n{late.replace('2027-03-08', '2027-03-09')}\n")


@pytest.mark.parametrize(
    ("name", "row", "reason"),
    [
        ("products", "p,n,radio,new,0", "service is 'radio'"),
        ("products", "p,n,promo,old,0", "cohort is 'old'"),
        ("tracks", "0,,,,t,a,1,0,", "track_id is '0'"),
        ("tracks", "9223372036854775808,,,,t,a,1,0,", "track_id is"),
        ("tracks", "1,,,,t,a,x,0,", "album_id is 'x'"),
        ("tracks", "1,,,,t,a,1,0,2026-02-30", "release_date is '2026-02-30'"),
        ("albums", "-1,,t,a,l", "album_id is '-1'"),
        ("partners", "1,n,label,,exempt,0,csv,2020-01-01,", "kind is 'label'"),
        ("partners", "1,n,author,,exempt,0,csv|doc,2020-01-01,", "report_formats is 'csv|doc'"),
        ("partners", "1,n,author,,exempt,0,csv,2020-01-02,2020-01-01", "active_to 2020-01-01 lies before active_from"),
        ("rights", "1,producer,1,1000001,2020-01-01,", "share_ppm is '1000001'"),
        ("rights", "1,label,1,1,2020-01-01,", "right_type is 'label'"),
        ("contracts", "1,author,promo,fifty_fifty,2020-01-01,", "method is 'fifty_fifty'"),
        ("advances", ",1,2020-01-01,5", "advance_id is ''"),
        ("advances", "a,1,2020-01-01,-5", "amount_krw is '-5'"),
    ],
)
def test_catalogue_rows_off_their_form_are_refused(name: str, row: str, reason: str) -> None:
    spec = CATALOG[name]
    with pytest.raises(BadInput) as caught:
        parsed(",".join(spec.columns) + "\n" + row + "\n", spec)
    assert caught.value.row == 1
    assert reason in caught.value.reason


FIELD = st.text(alphabet=st.sampled_from('a",\r\n 한🎧;\t'), max_size=6)


@given(st.lists(st.lists(FIELD, min_size=3, max_size=3), max_size=12), st.sampled_from(["\n", "\r\n"]), st.integers(1, 64))
def test_records_are_those_of_the_csv_reader_however_the_stream_is_cut(table: list[list[str]], end: str, size: int) -> None:
    out = io.StringIO()
    bare_cr = any("\r" in field for row in table for field in row)  # the writer leaves it unquoted, which RFC 4180 doesn't
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL if bare_cr else csv.QUOTE_MINIMAL).writerows(
        [["a", "b", "c"], *table]
    )

    class Slow(io.BytesIO):
        def read(self, _count: int | None = -1) -> bytes:
            return super().read(size)

    found = records.Records(Slow(out.getvalue().encode()), "f.csv.gz")
    assert found.header() == ["a", "b", "c"]
    taken = [record for _ in range(len(table) + 1) for record in found.take(1, 3)]
    assert [fields for fields, _ in taken] == table
    assert [next(csv.reader(io.StringIO(raw, newline=""))) for _, raw in taken] == table
