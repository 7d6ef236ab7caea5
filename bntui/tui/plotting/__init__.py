"""Plots: axes, raster, histograms, marks, and the plotext adapter."""
