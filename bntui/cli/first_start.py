"""Whether bntui was started here before."""

from platformdirs import user_state_path

MARKER = "tour-shown"


def is_first_start() -> bool:
    """Whether this is the first time that anyone asks; from then on it is not.

    Where nothing can be remembered it is not either, so that nobody is asked again and again.
    """
    marker = user_state_path("bntui") / MARKER
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch(exist_ok=False)
    except OSError:
        return False
    return True
