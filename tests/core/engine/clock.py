"""A clock for tests."""


class Clock:
    """A time that passes when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now
