"""The catalogue is complete and names fields that exist."""

import re

import pytest

from bntui.doctor.catalogue import RULES
from bntui.doctor.finding import SEVERITIES, Rule
from bntui.protocol import LayerFacts, ModelFacts

FIELDS = {*LayerFacts.__struct_fields__, *ModelFacts.__struct_fields__}
TEXTS = ("title", "measures", "threshold", "symptom", "cause", "fix", "legal", "source")

every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))


def test_ids_are_keys_in_one_style() -> None:
    assert all(id_ == rule.id for id_, rule in RULES.items())
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", id_) for id_ in RULES)
    assert len(RULES) == 35


@every_rule
def test_a_rule_is_declared_in_full(rule: Rule) -> None:
    assert rule.severity in SEVERITIES
    assert rule.certainty in {"certain", "evidence"}
    for name in TEXTS:
        text = getattr(rule, name)
        assert text.strip() == text != "", name
        assert len(text) <= 250, name
    for name in ("threshold", "symptom", "cause", "fix", "legal"):
        assert getattr(rule, name).endswith("."), name
    assert not rule.title.endswith(".")


@every_rule
def test_what_is_plotted_is_a_fact(rule: Rule) -> None:
    assert rule.fact == "" or rule.fact in FIELDS
    assert rule.limit is None or rule.fact
