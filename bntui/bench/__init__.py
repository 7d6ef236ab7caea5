"""`bntui bench`: what bntui costs, measured beside what one would write otherwise.

Each figure is the median of several rounds, and a ratio's two sides take turns within each round,
so that a busy machine slows both. The command measures; it judges nothing and fails nothing.
"""
