"""One pass of stochastic average gradients (SAG and SAGA) for ridge, over dense or CSR rows.

The objective is 1/n sum_i n/2 (y_i - x_i'w)^2 / n ... see `skreg/_solvers/stochastic.py`.
"""
