"""Measurements of a trainer that leave no trace in it, bit for bit.

They compute with the layers' `compute`, which keeps and moves nothing, read what the last training
step left in `out`, `grad` and `param_grads`, and work on copies where neither will do.
"""
