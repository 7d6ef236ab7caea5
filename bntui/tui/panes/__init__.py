"""The four panes of the lab and the pages beside it, one file each."""
