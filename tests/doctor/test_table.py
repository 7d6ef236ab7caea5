"""The README's table is that of the catalogue."""

from bntui.doctor.catalogue import RULES
from bntui.doctor.table import README, table, with_table


def test_the_table_is_current() -> None:
    text = README.read_text("utf-8")
    assert with_table(text) == text, "run python -m bntui.doctor.table"


def test_a_row_a_rule_and_six_cells() -> None:
    rows = table().splitlines()
    assert len(rows) == len(RULES) + 2
    assert {row.replace("\\|", "").count("|") for row in rows} == {7}
