"""Small widgets around the panes: status, keys, findings, tabs, scrub bar, tour."""
