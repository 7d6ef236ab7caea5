"""Sweeps: a grid of runs over seeds, and what the seeds together can decide."""
