"""Colours of series, on the screen and in figures: Okabe and Ito's palette.

It was chosen to stay distinct under colour blindness. On a dark ground its lighter half is used, on
a light ground its darker half. Source: M. Okabe, K. Ito, "Color Universal Design" (2008),
jfly.uni-koeln.de/color.
"""

ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

DARK_SERIES = {
    "arm-0": ORANGE,
    "arm-1": SKY,
    "arm-2": "#2FC79B",
    "arm-3": PURPLE,
    "train": PURPLE,
    "eval": "#2FC79B",
    "gap": YELLOW,
    **{f"unit-{i}": c for i, c in enumerate((SKY, ORANGE, "#2FC79B", YELLOW, PURPLE))},
}
LIGHT_SERIES = {
    "arm-0": VERMILLION,
    "arm-1": BLUE,
    "arm-2": "#00765A",
    "arm-3": "#A43884",
    "train": "#A43884",
    "eval": "#00765A",
    "gap": "#8A7500",
    **{f"unit-{i}": c for i, c in enumerate((BLUE, VERMILLION, "#00765A", "#8A7500", "#A43884"))},
}
"""`arm-0` to `arm-3` are networks, `unit-0` to `unit-4` units of a layer."""
