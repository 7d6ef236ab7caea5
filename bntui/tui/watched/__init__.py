"""Panes of a watched run."""
