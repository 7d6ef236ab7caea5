"""The bug lab: small runs, each with one real fault of BatchNorm's use planted in it."""
