"""Leave-one-out errors of ridge for every alpha, from one spectrum and without a refit.

For a fit that is linear in y, y_hat = H y, the residual of sample i by the fit without it is

    e_i = (y_i - y_hat_i) / (1 - h_ii)

(Allen, 1974; exact for ridge). On a spectrum both parts are sums over its directions,

    y_i - y_hat_i = y_i - sum_k phi_k z_k U_ik,     1 - h_ii = 1 - free_i - sum_k phi_k U_ik^2,

for all alphas two matrix products, O(n r A). Two things help:

- Where the fit may pass through the samples (U reaches them all), both differences cancel; there
  the sums run over psi = 1 - phi, divided by its largest entry, which cancels in the ratio.
- Over the alphas phi is smooth, so the matrix of factors (r, A) has a low numerical rank q; the
  products then cost O(n r q) and O(n q A). This is done where all factors are of similar size, so
  that an error relative to the largest is one relative to each.

Rows come in blocks, so that the memory is O(block), not O(n A).
"""

import numpy as np

from skreg._solvers.products import is_wide, over_blocks
from skreg._solvers.threads import split

ROWS = 512  # of U at a time
ERRORS = 2**20  # at a time, over alphas and targets too
SIMILAR = 1e-4  # smallest factor beside the largest of its alpha, for the short cut
LEVERAGE_ONE = 8 * np.finfo(float).eps  # below, 1 - h_ii is noise: the sample fits itself


def mean_squares(spectrum, alphas, *, per_target=True):
    """Mean over the samples of v_i e_i^2, and its standard error, each (n_alphas, n_targets).

    With per_target=False the squares are averaged over the targets first: (n_alphas, 1). Samples
    without weight lower the mean, as in scikit-learn, and its error by as much.
    """
    n, m = len(spectrum.y), max(spectrum.n_samples, 1)

    def use(parts):
        first = second = 0.0
        for _, errors in parts:
            errors *= errors
            if not per_target:
                errors = errors.mean(axis=2, keepdims=True)
            first = first + errors.sum(axis=0)
            second = second + np.einsum("iat,iat->at", errors, errors)
        return first, second

    with np.errstate(over="ignore", invalid="ignore"):
        firsts, seconds = zip(*over_rows(spectrum, alphas, use), strict=True)
        mean = sum(firsts) / m
        variance = np.maximum(sum(seconds) / m - mean**2, 0) * (m / max(m - 1, 1))
        return mean * (m / n), np.sqrt(variance / m) * (m / n)


def residuals(spectrum, alphas):
    """Unweighted e_i, (n_samples, n_alphas, n_targets); NaN for samples without weight."""
    n_alphas = 1 if np.ndim(alphas) == 0 else len(alphas)
    out = np.empty((len(spectrum.y), n_alphas, spectrum.y.shape[1]))

    def use(parts):
        for rows, errors in parts:
            with np.errstate(invalid="ignore", divide="ignore"):
                out[rows] = errors / spectrum.root_weight[rows, None, None]

    over_rows(spectrum, alphas, use)
    return out


def over_rows(spectrum, alphas, use):
    """Results of `use(iterator over (rows, sqrt(v) e (rows, n_alphas, n_targets)))` by thread."""
    if spectrum.implicit is not None:
        return spectrum.implicit.over_rows(alphas, use)
    sums = Sums(spectrum, alphas)
    n, r = len(spectrum.y), len(spectrum.s)
    if spectrum.U is None and not is_wide(spectrum.design) and spectrum.design.deferred:
        V = spectrum.Vt.T / spectrum.s

        def form(parts):
            for block_rows, block in parts:
                for rows, part in sums.cuts(block_rows.start, block_rows.stop):
                    yield rows, sums.errors(rows, block[part] @ V)

        return over_blocks(spectrum.design, r, lambda parts: use(form(parts)))
    U = spectrum.left()

    def work(start, stop):
        return use((rows, sums.errors(rows, U[rows])) for rows, _ in sums.cuts(start, stop))

    return split(work, n, n * r * sums.columns)


class Sums:
    """The sums over directions, prepared once for all rows."""

    def __init__(self, spectrum, alphas):
        self.spectrum = spectrum
        phi, psi = spectrum.factors(alphas)
        self.by_psi = spectrum.U is not None
        factors = psi if self.by_psi else phi
        if self.by_psi and spectrum.full:
            factors = full_factors(spectrum, psi)
        self.n_alphas = factors.shape[0]
        # One (left, right) pair a target, or one for all.
        self.pairs = [short_cut(factors[:, k].T) for k in range(factors.shape[1])]
        self.columns = sum(left.shape[1] for left, _ in self.pairs) + factors.shape[0]

    def cuts(self, start, stop):
        """Pieces of these rows that stay in the cache: slices of all rows, and of these."""
        step = max(1, min(ROWS, ERRORS // (self.n_alphas * self.spectrum.y.shape[1])))
        for a in range(start, stop, step):
            b = min(a + step, stop)
            yield slice(a, b), slice(a - start, b - start)

    def errors(self, rows, U):
        """sqrt(v) e of some rows, given their part of U."""
        spectrum, square = self.spectrum, U * U
        y, free = spectrum.y[rows], spectrum.free_leverage[rows]
        if not self.by_psi:
            sign, residual, room = -1.0, y, 1 - free
        elif spectrum.full:
            sign, residual, room = 1.0, np.zeros(y.shape), np.zeros(len(y))
        else:
            sign, residual, room = 1.0, y - U @ spectrum.z, 1 - free - square.sum(axis=1)
        out = np.empty((len(y), self.n_alphas, y.shape[1]))
        for k, z in enumerate(spectrum.z.T):
            left, right = self.pairs[k if len(self.pairs) > 1 else 0]
            if k == 0 or len(self.pairs) > 1:
                left_over = expanded(square @ left, right)
                left_over *= sign
                left_over += room[:, None]
            error = expanded(U @ (z[:, None] * left), right)
            error *= sign
            error += residual[:, k : k + 1]
            with np.errstate(divide="ignore", invalid="ignore"):
                np.divide(error, left_over, out=out[:, :, k])
            if not spectrum.full:
                out[:, :, k][left_over <= LEVERAGE_ONE] = np.inf
        out[spectrum.root_weight[rows] == 0] = 0
        return out


def full_factors(spectrum, psi):
    """psi over its largest entry for each alpha, with its limit 1 / s^2 at alpha = 0."""
    largest = psi.max(axis=-1, keepdims=True)
    limit = np.broadcast_to((spectrum.s[-1] / spectrum.s) ** 2, psi.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(largest > 0, psi / largest, limit)


def short_cut(factors):
    """A narrow pair whose product is the matrix of factors (r, A), or (factors, None)."""
    r, A = factors.shape
    if min(r, A) < 8:
        return factors, None
    largest = factors.max(axis=0)
    if not np.all(factors.min(axis=0) >= SIMILAR * largest):
        return factors, None
    left, size, right = np.linalg.svd(factors / largest, full_matrices=False)
    q = np.count_nonzero(size > np.finfo(float).eps * size[0])
    if 2 * q > A:
        return factors, None
    return left[:, :q] * size[:q], right[:q] * largest


def expanded(product, right):
    """The product with both parts of a short cut."""
    return product if right is None else product @ right
