"""What every ridge solver returns, and the check that its answer is an answer.

The ridge objective of one target, on centred data, is ||y - Xw||^2 + alpha ||w||^2. Half its
negative gradient is X'(y - Xw) - alpha w, the residual of the normal equations. It is computed
from y - Xw, never from X'X, so that it shows the digits which X'X has lost.
"""

from typing import NamedTuple

import numpy as np

from skreg._solvers.products import correlate_residual


class Solution(NamedTuple):
    """Coefficients of all targets, and how far they are from optimal."""

    coef: np.ndarray  # (n_targets, n_features)
    solver: str  # the solver that gave them, which need not be the one first tried
    residual: float  # the largest over the targets of the solver's own relative residual
    n_iter: np.ndarray  # (n_targets,), int32
    converged: bool = True
    rank: int | None = None  # of X and the penalty together, where it is known
    factors: object = None  # filter factors (1 or n_targets, rank), or what computes them


def rounding_limit(X, digits=10.0):
    """The smallest tolerance that X's precision can reach: digits times its unit of rounding."""
    return digits * float(np.finfo(X.dtype).eps)


def gradient(design, alpha, W):
    """X'(Y - XW) - W alpha for coefficients W (n_features, n_targets), alpha (n_targets,)."""
    return (correlate_residual(design, W) - W * alpha).astype(W.dtype, copy=False)


def relative_residual(design, alpha, W):
    """||gradient|| / ||X'y|| of each target, 0 where X'y = 0 and the coefficients vanish too.

    NaN where X'y itself is beyond the largest number.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        start = column_norms(gradient(design, alpha, np.zeros_like(W)))
        size = column_norms(gradient(design, alpha, W))
        return np.divide(size, start, out=size.copy(), where=start > 0)


def column_norms(A):
    """Euclidean norms of the columns, summed in float64, whatever their scale."""
    top = np.maximum(A.max(axis=0, initial=0), -A.min(axis=0, initial=0)).astype(np.float64)
    if np.all((top == 0) | (top > 1e-120) & (top < 1e120)):
        return np.sqrt(np.einsum("ij,ij->j", A, A, dtype=np.float64))
    unit = np.divide(A, top, out=np.zeros(A.shape), where=top > 0)
    return top * np.sqrt(np.einsum("ij,ij->j", unit, unit))
