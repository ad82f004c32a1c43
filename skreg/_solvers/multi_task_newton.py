"""Newton steps of the multi-task elastic net on its support, at the price of one task.

On k rows W_j != 0 the objective is smooth. With Q = X'X on the support, u_j = W_j / |W_j|,
e_j = l1_j / |W_j| and d_j = e_j + l2_j its Hessian in the k t entries of W is

    H = (Q + diag d) (x) I_t - U diag(e) U',     U = blockdiag(u_1, ..., u_k),

because the norm of a row has no curvature along that row. Let M = Q + diag d and V = (u_1, ...)'.
U'(M^-1 (x) I_t) U is the entrywise product of M^-1 and VV', so that by Woodbury

    H^-1 = M^-1 + M^-1 U E^1/2 C^-1 E^1/2 U'M^-1,   C = I - E^1/2 (M^-1 o VV') E^1/2,  E = diag e,

needs two factorizations of size k and none of size k t. Where the support is larger than the
number n of samples, M^-1 = D^-1 - D^-1 A'(I + A D^-1 A')^-1 A D^-1 takes one of size n instead.
"""

import numpy as np
from scipy import linalg

BLAS3_GAIN = 16  # multiply-adds of a factorization in the time of one of a sweep
ROUNDING = 10 * np.finfo(np.float64).eps


def cost(size, n_tasks, n_samples):
    """Multiply-adds of a step on so many rows, in those of a sweep."""
    inverse = min(size**3, size * n_samples * (size + n_samples))
    return (inverse + size**3 / 3) / BLAS3_GAIN + size**2 * n_tasks / 4


def inverse_from_gram(Q, d):
    """(Q + diag d)^-1; a multiple of I at the level of rounding makes it definite."""
    M = Q.copy(order="F")
    M[np.diag_indices_from(M)] += d + ROUNDING * len(d) * Q.diagonal().max(initial=0)
    factor, info = linalg.lapack.dpotrf(M, lower=1, clean=0, overwrite_a=1)
    if info:
        raise linalg.LinAlgError(f"the Gram matrix of {len(d)} rows has no Cholesky factor")
    inverse, _ = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    return mirrored(inverse)


def inverse_from_columns(A, d):
    """(AA' + diag d)^-1 for A (k, n) with fewer columns than rows, and d > 0."""
    B = A / d[:, None]
    K = A.T @ B
    K[np.diag_indices_from(K)] += 1
    L = linalg.cholesky(K, lower=True, overwrite_a=True, check_finite=False)
    Z = linalg.solve_triangular(L, B.T, lower=True, check_finite=False)
    inverse = linalg.blas.dsyrk(-1.0, Z, trans=1, lower=1)
    inverse[np.diag_indices_from(inverse)] += 1 / d
    return mirrored(inverse)


def mirrored(A):
    """The symmetric matrix of which A holds the lower triangle."""
    return np.tril(A) + np.tril(A, -1).T


def direction(inverse, slope, W, norms, l1):
    """H^-1 slope (k, t) for rows W of these norms, given M^-1."""
    V = W / norms[:, None]
    root = np.sqrt(l1 / norms)
    T = inverse @ slope
    C = inverse * (V @ V.T)
    C *= -root
    C *= root[:, None]
    C[np.diag_indices_from(C)] += 1 + ROUNDING * len(C)
    along = root * np.einsum("jt,jt->j", V, T)
    factor = linalg.cho_factor(C.T, lower=True, overwrite_a=True, check_finite=False)
    weight = linalg.cho_solve(factor, along, check_finite=False)
    return T + inverse @ ((root * weight)[:, None] * V)
