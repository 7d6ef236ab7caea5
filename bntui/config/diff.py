"""Differences between configs."""

import msgspec

from bntui.config.schema import RunConfig


def differing(*configs: RunConfig) -> dict[str, tuple[object, ...]]:
    """The fields in which not all of these configs agree, with the value of each config."""
    names = RunConfig.__struct_fields__
    columns = zip(names, *(msgspec.structs.astuple(config) for config in configs), strict=True)
    return {name: tuple(values) for name, *values in columns if any(v != values[0] for v in values)}
