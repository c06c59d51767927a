"""The order of files, rows and days makes no difference."""

from __future__ import annotations

import shutil

from settlement.landing.contract import KINDS
from settlement.pipeline import DAY_STAGES, days_of
from tests.integration.bad import HouseIn
from tests.integration.example import MONTH, example
from tests.integration.house import copy_folder
from tests.integration.shelf import Shelf, lay_out, settle_day_stage
from tests.worlds import permuted


def test_files_rows_and_days_in_another_order_give_the_same_month(shelf: Shelf, house_in: HouseIn) -> None:
    """The last three days land in other files and rows, are read backwards and then settled backwards."""
    expected = shelf.expected()
    house, other = house_in("early"), lay_out(permuted(example(), 7), shelf.root / "permuted")
    last_days = days_of(MONTH)[-3:]
    for day in last_days:
        for kind in KINDS:
            copy_folder(other.folder(kind, day), house.folder(kind, day))
    context = house.context("backwards")
    for stage in DAY_STAGES:
        for day in reversed(last_days):
            settle_day_stage(context, house.landing, stage, day)
    assert house.run().code == 0
    assert house.exports() == expected
    house.assert_chain_holds()


def test_a_warehouse_may_move(house_in: HouseIn, shelf: Shelf) -> None:
    """Nothing in a warehouse says where it lies, so that it can be restored elsewhere."""
    house = house_in("days")
    moved = house.root / "elsewhere"
    shutil.move(house.warehouse, moved)
    answer = type(house)(house.root, moved).run()
    assert answer.code == 0, answer.err
    assert "(3 new, 84 unchanged)" in answer.said
    assert type(house)(house.root, moved).published() == shelf.published()
