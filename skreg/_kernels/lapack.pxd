"""Typed wrappers over SciPy's BLAS and LAPACK for triangular factors.

Matrices are column-major and given by pointer and leading dimension (the distance between
columns), as LAPACK has them; factors are upper triangular, A = R'R.
"""

from scipy.linalg.cython_blas cimport dgemm, dgemv, dsyrk, dtrsm, dtrsv
from scipy.linalg.cython_lapack cimport dpotrf


cdef inline int cholesky(int n, double* a, int lda) noexcept nogil:
    """Factorize the upper triangle of a; not zero where a is not positive definite."""
    cdef int info
    dpotrf(b"U", &n, a, &lda, &info)
    return info


cdef inline void forward(
    int n, int k, const double* r, int ldr, double* b, int ldb,
) noexcept nogil:
    """b = R'^-1 b for k columns."""
    cdef double one = 1
    cdef int step = 1
    if k == 1:
        dtrsv(b"U", b"T", b"N", &n, <double*> r, &ldr, b, &step)
    else:
        dtrsm(b"L", b"U", b"T", b"N", &n, &k, &one, <double*> r, &ldr, b, &ldb)


cdef inline void backward(int n, const double* r, int ldr, double* b) noexcept nogil:
    """b = R^-1 b"""
    cdef int step = 1
    dtrsv(b"U", b"N", b"N", &n, <double*> r, &ldr, b, &step)


cdef inline void gram(
    int n, int k, double alpha, const double* a, int lda, double beta, double* c, int ldc,
) noexcept nogil:
    """The upper triangle of c = alpha a'a + beta c, where a is (k, n)."""
    dsyrk(b"U", b"T", &n, &k, &alpha, <double*> a, &lda, &beta, c, &ldc)


cdef inline void product(
    int m, int n, int k, double alpha, const double* a, int lda, const double* b, int ldb,
    double* c, int ldc,
) noexcept nogil:
    """c = alpha a'b, where a is (k, m) and b (k, n)."""
    cdef double zero = 0
    dgemm(b"T", b"N", &m, &n, &k, &alpha, <double*> a, &lda, <double*> b, &ldb, &zero, c, &ldc)


cdef inline void times(
    bint trans, int m, int n, double alpha, const double* a, int lda, const double* x,
    double beta, double* y,
) noexcept nogil:
    """y = alpha op(a) x + beta y, where a is (m, n)."""
    cdef int step = 1
    cdef char op = b"T" if trans else b"N"
    dgemv(&op, &m, &n, &alpha, <double*> a, &lda, <double*> x, &step, &beta, y, &step)
