"""The README of an audit pack: what it holds and how to check it without this software."""

from __future__ import annotations

from settlement.warehouse import Partition

_README = """\
Audit pack: settlement {partition}

The ledger up to record {seq}. Text is UTF-8; times are UTC; amounts in krw are whole won, in uwon millionths of a won.
The same ledger and warehouse give the same bytes of this zip.

What is in it
  population.csv     every record of the month and its days: draw samples from here
  builds.json        every computation: what it read (pins: input -> build), hash of its files, content hash per table;
                     "used" marks those that this version goes back to
  publications.csv   what became the published build of a stage, when, and who had asked for the run
  landing.csv        every landed file behind this version, by day, with size and SHA-256
  rates_used.csv     the rate-card row that each pool used
  releases.json      the rules by hash, with package version and commit; releases/<hash>/ holds the SQL and reference rows
  approvals.json     who asked for a version, who approved, rejected, was refused, what was closed, restated and posted
  access.csv         every person whom the ledger names: what they did, how often, first and last time
  verdicts/          the audit's verdict on each build; values that would name a listener are masked. "hash" is that of
                     the verdict as it was written, "recorded_hash" the one that its publication names: both are alike
  published.csv      every file that was given to partners, with SHA-256
  chain.jsonl        the whole ledger, a record a line
  head.json          the end of the chain, the anchors that were written outside the ledger's database, and what
                     verifying the ledger found when this was packed
  SHA256SUMS         hashes of all files but itself

Check the pack
  sha256sum --check --quiet SHA256SUMS

Check the chain: in every line, SHA-256 of the hash before and the record's text is the record's hash,
and the hash before is the hash of the line above (64 zeros in the first)
  n=1                                        # any line
  line=$(sed -n "${{n}}p" chain.jsonl)
  printf '%s' "$line" | sed -E 's/^\\{{"hash":"[0-9a-f]*","prev_hash":"([0-9a-f]*)","record":(.*)\\}}$/\\1\\2/' \\
    | tr -d '\\n' | sha256sum
  printf '%s\\n' "$line" | cut -c 10-73       # must be the same

All lines, with Python and nothing else
  import hashlib, json
  before = "0" * 64
  for number, line in enumerate(open("chain.jsonl", encoding="utf-8", newline="\\n"), 1):
      row = json.loads(line)
      text = json.dumps(row["record"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
      assert row["record"]["seq"] == number and row["prev_hash"] == before, number
      assert hashlib.sha256((before + text).encode("utf-8")).hexdigest() == row["hash"], number
      before = row["hash"]
  print(before)                              # the "hash" of head.json

Check the end: the hash in head.json, and each anchor's, must be those that you kept from before, if you kept any;
every anchor of head.json must stand in chain.jsonl under its number.

Check what partners were given: the SHA-256 of each file they hold stands in published.csv and in their manifest.json.
The "reports" hash of the record "closed" is the SHA-256 of this, without spaces and without line end:
  [{{"bytes":...,"key":"<file>","sha256":"..."}},...]   one entry a row of published.csv, in its order

Check the figures: `settlement audit rebuild --warehouse W --month {month} --version {version} --partner P`
computes a partner's statement again from the stored landed rows with the release in this pack.
"""


def readme(partition: Partition, seq: int) -> str:
    """The text for a version, of a ledger up to a record."""
    return _README.format(partition=partition, seq=seq, month=partition.key, version=partition.version)
