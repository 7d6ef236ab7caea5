"""Claims about BatchNorm as ready grids, each with its source and what the source says."""

from typing import NamedTuple

from bntui.sweep.plan import Value, Vary


class Claim(NamedTuple):
    """A grid that tests a claim.

    `settings` are changes to the base config; those named on the command line win. `against` is
    explained in `Plan`.
    """

    name: str
    says: str
    source: str
    vary: tuple[Vary, ...]
    settings: dict[str, Value | tuple[str, ...]]
    against: str | None = None


CLAIMS = {
    claim.name: claim
    for claim in (
        Claim(
            "lr",
            "BatchNorm allows much higher learning rates: a network without it diverges where one "
            "with it trains.",
            "Ioffe and Szegedy 2015 (arXiv:1502.03167), section 3.3; Bjorck et al. 2018 "
            "(arXiv:1806.02375), on divergence",
            (Vary("placement", ["hidden", "all"]), Vary("lr", [0.01, 0.1, 1.0, 10.0])),
            {"depth": 5, "hidden": 100, "init": "fan-in", "steps": 1000},
        ),
        Claim(
            "init",
            "BatchNorm makes training robust to the scale of the initial weights.",
            "Ioffe and Szegedy 2015 (arXiv:1502.03167), section 1; makemore part 3",
            (Vary("gain", [0.1, 0.5, 1.0, 5 / 3, 5.0]),),
            {"depth": 5, "hidden": 100, "init": "fan-in", "steps": 1000},
        ),
        Claim(
            "depth",
            "BatchNorm lets deep stacks of saturating layers train.",
            "Ioffe and Szegedy 2015 (arXiv:1502.03167), section 4.2.2 (sigmoid networks); makemore "
            "part 3",
            (Vary("depth", [1, 2, 5, 10]),),
            {"hidden": 100, "steps": 1000},
        ),
        Claim(
            "batch",
            "BatchNorm fails at small batches, where the statistics are noise.",
            "Wu and He 2018 (arXiv:1803.08494), figure 1; Ioffe 2017 (arXiv:1702.03275)",
            (Vary("batch_size", [2, 4, 8, 32, 128]),),
            {"steps": 2000},
        ),
        Claim(
            "ghost",
            "Statistics over parts of a large batch generalize better than over the whole batch.",
            "Hoffer, Hubara and Soudry 2017 (arXiv:1705.08741)",
            (Vary("ghost", [None, 8, 16, 32]),),
            {"batch_size": 256, "steps": 1000, "arms": ("bn",)},
            against="ghost",
        ),
        Claim(
            "placement",
            "Normalizing the logits, too, changes what a deep network learns.",
            "makemore part 3 (the deep network has BatchNorm on the logits)",
            (Vary("placement", ["hidden", "all"]),),
            {"depth": 5, "hidden": 100, "init": "fan-in", "steps": 1000, "arms": ("bn",)},
            against="placement",
        ),
    )
}
