"""Remembers that the guided tour was shown."""

MARKER = "tour-shown"


def is_first_start() -> bool:
    """Return True once per user, on the first call.

    False where the marker file cannot be written, so that the tour is not shown at every start.
    """
    from platformdirs import user_state_path  # noqa: PLC0415 (takes a moment)

    marker = user_state_path("bntui") / MARKER
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch(exist_ok=False)
    except OSError:
        return False
    return True
