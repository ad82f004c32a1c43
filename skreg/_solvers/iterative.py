"""Iterative ridge solvers that need only products with X: conjugate gradients and LSQR.

Both see the centred data as a linear operator, so a sparse X stays sparse, and both start at
zero, so at alpha = 0 they tend to the least-squares coefficients of minimum norm.
"""

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg
from scipy.sparse.linalg import lsqr as scipy_lsqr

from skreg._solvers.certificate import Solution, gradient, relative_residual, rounding_limit
from skreg._solvers.scaling import largest, power_of_two

RESTARTS = 3  # the residual that the recursion believes in drifts from the true one


def conjugate_gradients(design, alpha, *, tol, max_iter=None):
    """Solve (X'X + alpha I) w = X'y until ||X'(y - Xw) - alpha w|| <= tol ||X'y||.

    `max_iter` bounds the iterations of a target (default 10 n_features).
    """
    A, tol = design.operator(), max(tol, rounding_limit(design.X))
    p, t = design.X.shape[1], design.y.shape[1]
    W = np.zeros((p, t), design.X.dtype)
    B = gradient(design, alpha, W)
    residual, n_iter = np.zeros(t), np.zeros(t, np.int32)
    for k in range(t):
        one, a = design._replace(y=design.y[:, k : k + 1]), A.dtype.type(alpha[k])
        normal = LinearOperator(
            (p, p),
            dtype=A.dtype,
            matvec=lambda w, a=a: A.rmatvec(A.matvec(w)) + a * w,
        )
        limit = 10 * p if max_iter is None else max_iter

        def count(_, k=k):
            n_iter[k] += 1

        for _ in range(RESTARTS):
            left = limit - n_iter[k]
            W[:, k], _ = cg(
                normal, B[:, k], x0=W[:, k], rtol=tol, atol=0, maxiter=left, callback=count
            )
            residual[k] = relative_residual(one, alpha[k], W[:, k : k + 1])[0]
            if residual[k] <= tol or n_iter[k] >= limit:
                break
    converged = bool(np.all(residual <= tol))
    return Solution(W.T, "sparse_cg", float(residual.max()), n_iter, converged)


def lsqr(design, alpha, *, tol, max_iter=None):
    """Minimize ||y - Xw||^2 + alpha ||w||^2 by LSQR (Paige and Saunders, 1982).

    `tol` is LSQR's atol and btol: it stops when the residual, or its product with X', is below
    tol relative to the norms of X, w and y. `max_iter` bounds the iterations of a target
    (default 2 n_features).
    """
    # SciPy adds the unit of rounding to a norm that it divides by, so the norms must be near one.
    c = power_of_two(largest(design.X))
    d = np.array([power_of_two(largest(y)) for y in design.y.T])
    A, tol = design.operator() * design.X.dtype.type(1 / c), max(tol, rounding_limit(design.X))
    W = np.zeros((design.X.shape[1], design.y.shape[1]), design.X.dtype)
    n_iter = np.zeros(W.shape[1], np.int32)
    stopped = np.zeros(W.shape[1], np.int32)
    for k, damp in enumerate(np.sqrt(alpha) / c):
        W[:, k], stopped[k], n_iter[k] = scipy_lsqr(
            # No limit on the condition number: it would stop short of the tolerance, silently.
            A, design.y[:, k] / d[k], damp=damp, atol=tol, btol=tol, conlim=0, iter_lim=max_iter
        )[:3]  # fmt: skip
    W *= (d / c).astype(W.dtype)
    residual = relative_residual(design, alpha, W).max()
    iteration_limit = 7  # the code by which SciPy says that iter_lim was reached
    return Solution(W.T, "lsqr", float(residual), n_iter, iteration_limit not in stopped)
