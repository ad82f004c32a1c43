"""The Cholesky factor of a growing and shrinking principal submatrix of Q + diag(l2).

Coordinates are appended in blocks. One that leaves stays in the factor but is marked as gone: with
E the columns of the identity at the places of those gone, Z = R'^-1 E and M = Z'Z,

    x = R^-1 (h - Z M^-1 Z'h),   h = R'^-1 b

solves the system of the others and is zero at E. Taking a coordinate in again undoes the mark.
Only when many are gone is the factor made anew.
"""

from libc.string cimport memset

from skreg._kernels.lapack cimport backward, cholesky, forward, gram, product, times

cdef enum:
    MOST_GONE = 32  # columns of Z

ctypedef struct Factor:
    double* R  # (size, size), column-major
    double* Z  # (size, MOST_GONE)
    double* M  # (MOST_GONE, MOST_GONE)
    int* order  # (size,), the coordinate at each place
    int* place  # of each coordinate, or -1
    int* gone  # (MOST_GONE,), places
    int size
    int k  # places in use
    int n_gone


cdef inline bint is_in(const Factor* f, int j) noexcept nogil:
    """Whether a coordinate is in the factor and not gone."""
    cdef int i
    if f.place[j] < 0:
        return False
    for i in range(f.n_gone):
        if f.gone[i] == f.place[j]:
            return False
    return True


cdef inline void clear(Factor* f) noexcept nogil:
    """The factor of no coordinates."""
    cdef int i
    for i in range(f.k):
        f.place[f.order[i]] = -1
    f.k = f.n_gone = 0


cdef inline bint append(
    Factor* f, const double* Q, Py_ssize_t ld, const double* l2, double proximal,
    const int* new, int count,
) noexcept nogil:
    """Take in coordinates that are in no place; false, with the factor as it was, if singular."""
    cdef int i, j, k = f.k, size = f.size
    cdef double* corner = f.R + <Py_ssize_t> k * size + k
    cdef double* column
    for j in range(count):
        column = f.R + <Py_ssize_t> (k + j) * size
        for i in range(k):
            column[i] = Q[f.order[i] + new[j] * ld]
        for i in range(j + 1):
            column[k + i] = Q[new[i] + new[j] * ld]
        column[k + j] += l2[new[j]] + proximal * column[k + j]
    if k > 0:
        column = f.R + <Py_ssize_t> k * size
        forward(k, count, f.R, size, column, size)
        gram(count, k, -1, column, size, 1, corner, size)
    if cholesky(count, corner, size) != 0:
        return False
    if f.n_gone > 0:
        product(count, f.n_gone, k, -1, f.R + <Py_ssize_t> k * size, size, f.Z, size,
                f.Z + k, size)
        forward(count, f.n_gone, corner, size, f.Z + k, size)
    for j in range(count):
        f.order[k + j] = new[j]
        f.place[new[j]] = k + j
    f.k += count
    return True


cdef inline void take_out(Factor* f, int j) noexcept nogil:
    """Mark a coordinate as gone; there must be room for it."""
    cdef int at = f.place[j]
    cdef double* z = f.Z + <Py_ssize_t> f.n_gone * f.size
    memset(z, 0, f.k * sizeof(double))
    z[at] = 1
    forward(f.k - at, 1, f.R + <Py_ssize_t> at * f.size + at, f.size, z + at, f.size)
    f.gone[f.n_gone] = at
    f.n_gone += 1


cdef inline void take_back(Factor* f, int j) noexcept nogil:
    """Undo the mark of a coordinate that is gone."""
    cdef int i, row, last = f.n_gone - 1
    for i in range(f.n_gone):
        if f.gone[i] == f.place[j]:
            f.gone[i] = f.gone[last]
            for row in range(f.k):
                f.Z[<Py_ssize_t> i * f.size + row] = f.Z[<Py_ssize_t> last * f.size + row]
            f.n_gone = last
            return


cdef inline bint border(Factor* f) noexcept nogil:
    """Factorize M for the coordinates that are gone now; false if singular."""
    gram(f.n_gone, f.k, 1, f.Z, f.size, 0, f.M, MOST_GONE)
    return cholesky(f.n_gone, f.M, MOST_GONE) == 0


cdef inline void solve(const Factor* f, double* b) noexcept nogil:
    """b, by places, becomes the solution; zero where coordinates are gone."""
    cdef double[MOST_GONE] v
    cdef int i
    forward(f.k, 1, f.R, f.size, b, f.size)
    if f.n_gone > 0:
        times(True, f.k, f.n_gone, 1, f.Z, f.size, b, 0, v)
        forward(f.n_gone, 1, f.M, MOST_GONE, v, MOST_GONE)
        backward(f.n_gone, f.M, MOST_GONE, v)
        times(False, f.k, f.n_gone, -1, f.Z, f.size, v, 1, b)
    backward(f.k, f.R, f.size, b)
    for i in range(f.n_gone):
        b[f.gone[i]] = 0
