"""Named starting points, each with its source."""

from bntui.config.schema import RunConfig

LECTURE = "karpathy/nn-zero-to-hero, makemore part 3"

PRESETS: dict[str, RunConfig] = {
    "notebook": RunConfig(),
    "makemore-deep": RunConfig(
        preset="makemore-deep",
        seed=2147483647,
        steps=1001,
        hidden=100,
        depth=5,
        context="padded",
        arms=("none", "bn-lecture"),
        init="fan-in",
        placement="all",
        bias=False,
        lr_drop=150_000,
        split=True,
        pace=None,
    ),
    "makemore-200k": RunConfig(
        preset="makemore-200k",
        seed=2147483647,
        steps=200_000,
        momentum=0.001,
        eps=0.0,
        context="padded",
        arms=("none", "bn-std"),
        init="lecture",
        gain=5 / 3,
        output_gain=0.01,
        bias=False,
        lr_drop=100_000,
        split=True,
        pace=None,
    ),
}
"""Options given beside a preset change only what they name.

Losses in evaluation mode that the lecture prints, and these give on names.txt, train and dev:
makemore-deep 2.4002976 and 2.3982468; makemore-200k with BN 2.0674145 and 2.1056840, and without
(`--arms none --bias yes`: its first bias was drawn, and so its batches are others) 2.0376642 and
2.1069896.
"""

SOURCES = {
    "notebook": "twenty names, one hidden layer",
    "makemore-deep": f"{LECTURE}: five hidden layers, 1,001 steps; needs --data names.txt",
    "makemore-200k": f"{LECTURE}: one hidden layer, 200,000 steps; needs --data names.txt; with "
    "--arms none --bias yes the same without BN",
}
