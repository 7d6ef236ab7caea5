"""Filtering and sorting logs."""

import pytest

from bntui.errors import InputError
from bntui.logs.index import WATCHED, RunSummary
from bntui.logs.where import order, where


def log(
    name: str, state: str = "finished", loss: float | None = 0.2, **differs: object
) -> RunSummary:
    losses: dict[str, float | None] = {"no BN": 0.9, "BN": loss} if loss is not None else {}
    return RunSummary(
        f"/runs/{name}.jsonl", f"2026-01-{len(name):02}", "notebook", differs, 100, 200,
        losses, state, 2_000_000,
    )  # fmt: skip


LOGS = [
    log("deep-1", depth=5, lr=0.5),
    log("deep-22", "diverged", None, depth=5, lr=10.0),
    log("plain", lr_drop=100, loss=0.4),
    log("ghost-run", "cut off", ghost=8, arms=("none", "bn")),
]


def names(found: list[RunSummary]) -> list[str]:
    return [one.path.removeprefix("/runs/").removesuffix(".jsonl") for one in found]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("", ["deep-1", "deep-22", "plain", "ghost-run"]),
        ("lr>=0.5", ["deep-1", "deep-22"]),
        ("lr=0.1", ["plain", "ghost-run"]),
        ("lr>0.5", ["deep-22"]),
        ("lr<=.1 depth=1", ["plain", "ghost-run"]),
        ("depth!=5", ["plain", "ghost-run"]),
        ("DEEP", ["deep-1", "deep-22"]),
        ("deep state=finished", ["deep-1"]),
        ("'state=cut off'", ["ghost-run"]),
        ("loss<0.3", ["deep-1", "ghost-run"]),
        ("lr-drop=100", ["plain"]),
        ("lr-drop>1", ["plain"]),
        ("lr-drop=none", ["deep-1", "deep-22", "ghost-run"]),
        ("arms=none,bn", ["deep-1", "deep-22", "plain", "ghost-run"]),
        ("preset=notebook steps-done>=100 size>1", ["deep-1", "deep-22", "plain", "ghost-run"]),
        ("name=plain", ["plain"]),
        ("nothing-like-it", []),
    ],
)
def test_terms(terms: str, expected: list[str]) -> None:
    meets = where(terms)
    assert names([one for one in LOGS if meets(one)]) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("name", ["deep-1", "deep-22", "ghost-run", "plain"]),
        ("-name", ["plain", "ghost-run", "deep-22", "deep-1"]),
        ("loss", ["deep-1", "ghost-run", "plain", "deep-22"]),
        ("-loss", ["plain", "deep-1", "ghost-run", "deep-22"]),
        ("-lr", ["deep-22", "deep-1", "plain", "ghost-run"]),
        ("started", ["plain", "deep-1", "deep-22", "ghost-run"]),
    ],
)
def test_order(field: str, expected: list[str]) -> None:
    assert names(order(field)(LOGS)) == expected


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ("depht=5", "--where: unknown field 'depht'; did you mean depth?"),
        ("lr=fast", "--where: lr is fast, but it takes a number from 0 to 1,000,000."),
        ("loss<low", "--where: loss is low, but it takes a number."),
        (
            "state=done",
            "--where: state is done, but it takes running, finished, diverged, failed, cut off.",
        ),
        ("'open", "--where: 'open cannot be read"),
        ("lr\x1b[2J=1", "unknown field 'lr�[2J'"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(terms: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        where(terms)
    assert sentence in str(caught.value)


def test_an_unknown_field_to_sort_by() -> None:
    with pytest.raises(InputError, match="--sort: unknown field 'losss'; did you mean loss"):
        order("losss")


def test_a_watched_run_has_no_setting_of_the_lab_and_a_loss_is_what_is_called_so() -> None:
    watched = RunSummary(
        "/runs/w.jsonl", "2026", WATCHED, {"watched": "net", "layers": 2}, 100, 0,
        {"loss": 0.5, "lr": 0.1}, "finished", 1000,
    )  # fmt: skip
    for terms in ("lr>=0.1", "lr!=5", "data=none", "loss<0.5"):
        assert not where(terms)(watched), terms
    for terms in ("loss=0.5", "steps-done=100 state=finished"):
        assert where(terms)(watched), terms
    assert order("lr")([watched, LOGS[0]]) == [LOGS[0], watched]
