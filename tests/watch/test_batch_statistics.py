"""What is computed from a part of a batch is what the whole has."""

import pytest
import torch

from bntui.watch.statistics import (
    BINNED,
    LEAST_PLACES,
    MOST_VALUES,
    Moments,
    constant_tail,
    from_input,
    from_part,
    histogram,
    thinned,
)


@pytest.mark.parametrize(
    "shape", [(8, 4), (2, 3, 5), (64, 8, 32, 32), (32, 512, 7, 7), (4, 8, 2**15)]
)
def test_a_part_has_every_example_and_channel_and_as_many_places_as_are_needed(
    shape: tuple[int, ...],
) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    part = thinned(x)
    assert part.shape[:2] == x.shape[:2]
    places = part.shape[2:].numel()
    assert places >= min(LEAST_PLACES, x.shape[2:].numel())
    assert part.numel() <= 3 * max(MOST_VALUES, LEAST_PLACES * x.shape[:2].numel())
    mean, var = from_input(part)
    whole = from_input(x)
    torch.testing.assert_close(mean, whole[0], atol=4 / (shape[0] * places) ** 0.5, rtol=0)
    torch.testing.assert_close(var, whole[1], atol=6 / (shape[0] * places) ** 0.5, rtol=0)


def test_a_part_of_an_image_meets_all_its_columns() -> None:
    columns = torch.arange(32.0).expand(64, 8, 32, 32)
    assert len(thinned(columns[:16]).unique()) == 32
    _, _, counts = histogram(columns)
    assert counts.count_nonzero() == 32
    assert counts.sum() <= 2 * BINNED


@pytest.mark.parametrize("shape", [(8, 4), (16, 3, 40, 40)])
def test_statistics_of_a_part_are_those_of_its_values(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)) + 100
    torch.testing.assert_close(from_part(x), from_input(thinned(x)))


def test_variances_that_fall_all_along_are_no_lag() -> None:
    moments = Moments()
    for batch in range(12):
        var = torch.full((3,), 10.0 ** (2 - batch))
        behind = 20.0 if batch == 0 else 1.1
        moments.add(torch.zeros(3), var, 32, (torch.zeros(3), behind * var), 1e-12)
    assert 0 < float(moments.var_lag()) < 0.4


def test_padding_is_seen_in_a_part_of_many_channels() -> None:
    x = torch.randn(4, 200, 20, generator=torch.Generator().manual_seed(0)).relu()
    x[..., 15:] = 0
    assert float(constant_tail(x)) == pytest.approx(0.25)
    image = torch.randn(4, 64, 32, 20, generator=torch.Generator().manual_seed(0))
    image[..., 10:] = 1.5
    assert float(constant_tail(image)) == pytest.approx(0.5)
    assert float(constant_tail(image.flip(-1))) == 0
