"""Slow NumPy oracles: the formulas of docs/math.md, word for word."""
