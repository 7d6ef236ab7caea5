"""The engine process: commands in, events out."""
