"""Which settings exclude each other."""

import msgspec
import pytest

from bntui.config.limits import check
from bntui.config.schema import RunConfig
from bntui.errors import InputError


def test_settings_that_exclude_each_other_are_refused() -> None:
    config = RunConfig(arms=("gn", "bn"), hidden=100, groups=30)
    with pytest.raises(InputError, match=r"--groups is 30, .* divisor of --hidden, 100\."):
        check(config)
    check(msgspec.structs.replace(config, groups=25))
    check(msgspec.structs.replace(config, arms=("ln", "bn")))
    with pytest.raises(InputError, match="--arms has bn twice"):
        check(RunConfig(arms=("bn", "ln", "bn")))
