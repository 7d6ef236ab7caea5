"""The terminal: driver, writer, economy of escape codes."""
