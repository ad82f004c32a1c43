"""The quadratic problem of a set of features by its Gram matrix, solved to the last digits."""

from mmap import mmap

import numpy as np
from scipy import sparse

from skreg._kernels.quadratic import GONE, minimize
from skreg._solvers.penalty import Penalty
from skreg._solvers.threads import given_up, split

FIRST = 256  # features that there is room for at first
ROOM = 4096  # and at most, before so many are there
HUGE = 2**22  # bytes from which NumPy asks for huge pages
EPS = np.finfo(np.float64).eps
NOISE = 16  # times eps, the norms of a feature and of y: what rounding leaves of a product
PARTS = 4  # the same for all parts of a fit, where their norms are larger than that of y


def room_for(*shape, order="C"):
    """An array whose pages come one by one, as they are written to, where it is large.

    NumPy asks for huge pages, which the system may search for longer than the work takes.
    """
    size = int(np.prod(shape))
    if 8 * size < HUGE:
        return np.empty(shape, order=order)
    return np.frombuffer(mmap(-1, 8 * size)).reshape(shape, order=order)


class Quadratic:
    """min 1/2 w'Qw - q'w + penalty over m features, with the buffers that the kernel works in."""

    def __init__(self, room, y):
        self.m, self.y = 0, y
        self.vectors, self.Q = np.zeros((8, 0)), np.zeros((0, 0))
        self.index = np.zeros(0, np.int32)
        self.ridged, self.alpha_of_factor = False, None
        self.rounding = NOISE * EPS * np.linalg.norm(y)
        self.usual = NOISE / PARTS * NOISE * EPS * (y @ y)
        self.given_up = given_up()
        self.grow(room)

    def grow(self, room):
        """Make room for that many features; the factor starts anew."""
        vectors, Q, index, m = self.vectors, self.Q, self.index, self.m
        self.vectors, self.Q = np.zeros((8, room)), room_for(room, room)
        self.index = np.zeros(room, np.int32)
        self.vectors[:, :m], self.Q[:m, :m], self.index[:m] = vectors[:, :m], Q[:m, :m], index[:m]
        self.q, self.all_w, self.g, self.noise = self.vectors[:4]
        self.l1, self.l2, self.lower, self.upper = self.vectors[4:]
        self.R = room_for(room, room, order="F")
        self.Z, self.M = np.empty((room, GONE), order="F"), np.empty((GONE, GONE), order="F")
        self.order, self.place = np.zeros(room, np.int32), np.full(room, -1, np.int32)
        self.gone, self.counts = np.zeros(GONE, np.int32), np.zeros(2, np.int32)
        self.new, self.work = np.zeros(room, np.int32), np.empty((4, room))

    @property
    def w(self):
        """The coefficients."""
        return self.all_w[: self.m]

    def put(self, which, q, w, penalty):
        """Put features in, but for their part of the Gram matrix."""
        new = slice(self.m, self.m + len(which))
        self.index[new], self.q[new], self.all_w[new] = which, q, w
        for own, given in zip((self.l1, self.l2, self.lower, self.upper), penalty, strict=True):
            own[new] = given[which]
        self.ridged = self.ridged or bool(self.l2[new].any())
        self.m = new.stop
        return new

    def penalty(self, alpha):
        """The `Penalty` at alpha of the features that are in."""
        m = self.m
        return Penalty(alpha * self.l1[:m], alpha * self.l2[:m], self.lower[:m], self.upper[:m])

    def minimize(self, alpha, penalty, max_iter):
        """Find w; return the steps taken."""
        m = self.m
        if m == 0:
            return 0
        if self.ridged and alpha != self.alpha_of_factor:
            self.counts[:], self.place[:] = 0, -1
        self.alpha_of_factor = alpha
        proximal = 10 * m * EPS
        return minimize(
            self.Q, self.q, *penalty, self.w, self.g[:m], self.R, self.Z, self.M, self.order,
            self.place, self.gone, self.counts, self.new, self.work, proximal, self.noise[:m],
            self.usual, max_iter, self.given_up,
        )[0]  # fmt: skip

    def norms(self):
        """||x_j|| of the features that are in."""
        return np.sqrt(np.maximum(self.Q.diagonal()[: self.m], 0))

    def products(self):
        """The products x_j'r of the features that are in."""
        return self.g[: self.m]


class GramForm(Quadratic):
    """A working set whose Gram matrix grows with it; its columns are kept side by side."""

    exact = True

    def __init__(self, features, y, penalty):
        n, p = features.shape
        room = min(p, max(FIRST, min(2 * n, ROOM)))
        super().__init__(room, y)
        self.features, self.all = features, penalty
        self.block = None

    def admit(self, which, w=0.0):
        """Let in features with coefficients w."""
        if self.m + len(which) > len(self.q):
            self.grow(max(self.m + len(which), 3 * len(self.q) // 2))
        new = self.put(which, 0.0, w, self.all)
        append = self.append_sparse if self.features.sparse else self.append_dense
        append(which, new)
        old = slice(0, new.start)
        self.Q[new, old] = self.Q[old, new].T
        self.noise[new] = self.rounding * np.sqrt(np.maximum(self.Q.diagonal()[new], 0))

    def append_dense(self, which, new):
        """Put columns beside the others, and their products where they belong."""
        if self.block is None or new.stop > self.block.shape[1]:
            room = room_for(len(self.y), len(self.q), order="F")
            if new.start:
                room[:, : new.start] = self.block[:, : new.start]
            self.block = room
        block, Q = self.features.block(which, self.block[:, new]), self.Q
        self.q[new] = block.T @ self.y

        def multiply(start, stop):
            np.matmul(self.block[:, start:stop].T, block, out=Q[start:stop, new])

        split(multiply, new.stop, new.stop * block.size)

    def append_sparse(self, which, new):
        """The same; the means are taken off the products."""
        features, index = self.features, self.index[: new.stop]
        block = features.block(which)
        self.q[new] = block.T @ self.y - features.shift[which] * (features.root_weight @ self.y)
        parts = [block] if new.start == 0 else [self.block, block]
        self.block = sparse.hstack(parts, format="csc")
        total = features.root_weight @ features.root_weight
        shift = features.shift[index]
        products = (self.block.T @ block).toarray() - np.outer(total * shift, shift[new])
        self.Q[: new.stop, new] = products

    def residual(self):
        """y - Xw, from the columns."""
        if self.m == 0:
            return self.y
        fit = (self.block if self.features.sparse else self.block[:, : self.m]) @ self.w
        if self.features.sparse:
            fit = fit - self.features.root_weight * (
                self.features.shift[self.index[: self.m]] @ self.w
            )
        return self.y - fit


class WholeGram(Quadratic):
    """All features: residuals are known by their sizes, without looking at samples."""

    def __init__(self, features, y, penalty, w):
        Q, q = features.gram_and_products(y)
        super().__init__(len(q), y)
        self.Q, self.yy = np.ascontiguousarray(Q, np.float64), y @ y
        self.noise[:] = self.rounding * np.sqrt(np.maximum(Q.diagonal(), 0))
        penalty = penalty.holding(Q.diagonal() <= 0)  # else a column of zeros would be free
        self.put(np.arange(len(q)), q, np.clip(w, penalty.lower, penalty.upper), penalty)

    def sizes(self):
        """r'r and r'y."""
        product = self.yy - self.q @ self.w
        return max(0.0, product - self.w @ self.g), product
