"""Typed wrappers over SciPy's BLAS: one name for float and double.

Matrices are row-major and given by pointer and leading dimension (the distance between rows).
"""

from cython cimport floating
from scipy.linalg.cython_blas cimport (
    daxpy, ddot, dgemm, dgemv, dger, saxpy, sdot, sgemm, sgemv, sger,
)


cdef inline floating dot(int n, const floating* x, const floating* y) noexcept nogil:
    cdef int one = 1
    if floating is float:
        return sdot(&n, <float*> x, &one, <float*> y, &one)
    return ddot(&n, <double*> x, &one, <double*> y, &one)


cdef inline void axpy(int n, floating a, const floating* x, floating* y) noexcept nogil:
    """y += a x"""
    cdef int one = 1
    if floating is float:
        saxpy(&n, &a, <float*> x, &one, y, &one)
    else:
        daxpy(&n, &a, <double*> x, &one, y, &one)


cdef inline void gemv(
    bint trans, int m, int n, floating alpha, const floating* a, int lda,
    const floating* x, floating beta, floating* y,
) noexcept nogil:
    """y = alpha op(a) x + beta y, where a is (m, n) row-major."""
    cdef int one = 1
    # A row-major matrix is its own transpose to Fortran.
    cdef char op = b"n" if trans else b"t"
    if floating is float:
        sgemv(&op, &n, &m, &alpha, <float*> a, &lda, <float*> x, &one, &beta, y, &one)
    else:
        dgemv(&op, &n, &m, &alpha, <double*> a, &lda, <double*> x, &one, &beta, y, &one)


cdef inline void ger(
    int m, int n, floating alpha, const floating* x, const floating* y, floating* a, int lda
) noexcept nogil:
    """a += alpha x y', where a is (m, n) row-major."""
    cdef int one = 1
    if floating is float:
        sger(&n, &m, &alpha, <float*> y, &one, <float*> x, &one, a, &lda)
    else:
        dger(&n, &m, &alpha, <double*> y, &one, <double*> x, &one, a, &lda)


cdef inline void gemm(
    bint trans_a, bint trans_b, int m, int n, int k, floating alpha,
    const floating* a, int lda, const floating* b, int ldb,
    floating beta, floating* c, int ldc,
) noexcept nogil:
    """c = alpha op(a) op(b) + beta c, where op(a) is (m, k), op(b) (k, n) and c (m, n)."""
    cdef char op_a = b"t" if trans_a else b"n"
    cdef char op_b = b"t" if trans_b else b"n"
    # c' = op(b)' op(a)' in Fortran's order.
    if floating is float:
        sgemm(&op_b, &op_a, &n, &m, &k, &alpha, <float*> b, &ldb, <float*> a, &lda,
              &beta, c, &ldc)
    else:
        dgemm(&op_b, &op_a, &n, &m, &k, &alpha, <double*> b, &ldb, <double*> a, &lda,
              &beta, c, &ldc)
