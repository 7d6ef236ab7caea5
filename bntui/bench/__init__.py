"""`bntui bench`: what bntui costs compared with the same training in plain PyTorch.

Each figure is the median of several rounds, and a ratio's two sides take turns within each round,
so that a busy machine slows both. The command measures and fails nothing.
README.md beside this file has one run's figures and where a step's time goes. What it leaves out:

- A Python number as an operand costs 1.5 µs more than a tensor, except as `alpha` or `value`;
  `len(tensor)` and an attribute of an `nn.Module` cost 1 µs each.
- Made no difference: outputs written into kept buffers (`out=`), denormal numbers flushed to zero,
  the garbage collector switched off.
"""
