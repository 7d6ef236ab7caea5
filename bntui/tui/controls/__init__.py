"""Knobs on the screen: a list of rows that can be turned, and what each takes."""
