"""What `bntui watch` lets the code know that it runs."""

log: str | None = None
"""Where the run is to be logged; None for code that something else runs."""
