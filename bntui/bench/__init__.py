"""`bntui bench`: what bntui costs, measured beside what one would write otherwise.

Each figure is the median of several rounds, and a ratio's two sides take turns within each round,
so that a busy machine slows both. The command measures; it judges nothing and fails nothing.

Where a step's time goes, in both networks of the notebook (`bntui bench --only engine`, and
`python -m cProfile -s tottime -m bntui bench --only telemetry`; in
microseconds, the least of many tries):

- The products of the two Linear layers take 90 and tanh 35. They are the floor, and any loop's.
- Every other operation takes 1 to 5, whatever it computes. So all parameters are one tensor and
  SGD one operation, all arms share a draw, and up to 128 steps are drawn and gathered at once.
- `torch.var_mean` over the rows of (32, 200) took 60, two passes of elementary operations take 15.
- A Python number as an operand costs 1.5 more than a tensor, except as `alpha` or `value`;
  `len(tensor)` and an attribute of an `nn.Module` cost 1 each.
- Made no difference: outputs written into kept buffers (`out=`), denormal numbers flushed to zero,
  the garbage collector switched off.
- Telemetry is a tenth to a quarter of the engine's time: first the probes of every 500th step and
  what is sent 10 times a second, then a copy of the statistics after each step.
"""
