"""The four panes of the lab, one file each."""
