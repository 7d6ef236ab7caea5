"""The network: BatchNorm1d and every other layer, forward and backward."""
