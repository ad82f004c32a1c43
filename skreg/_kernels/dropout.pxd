"""Dropout masks from a counter: the same seed, step, layer and unit always give the same bits.

A mask is therefore never stored, and it does not depend on which thread asks for it. A unit has
16 bits, so that one number of the generator serves four units: unit j of a row is dropped where
its bits are below rate * 2^16.
"""

from cython cimport floating
from libc.stdint cimport uint64_t

from skreg._kernels.splitmix cimport counter_bits


cdef inline uint64_t mask_key(uint64_t seed, uint64_t step, uint64_t layer) noexcept nogil:
    """Each (seed, step, layer) owns a generator of its own."""
    return counter_bits(counter_bits(counter_bits(0, seed), step), layer)


cdef inline int mask_threshold(double rate) noexcept nogil:
    """The rate in steps of 2^-16; the most is 1 - 2^-16, as something must stay."""
    return <int> min(rate * 65536.0 + 0.5, 65535.0)


cdef void drop_units(
    floating* a, floating* slope, Py_ssize_t rows, Py_ssize_t cols,
    uint64_t key, Py_ssize_t first_row, double rate,
) noexcept nogil

cdef double kept_share(
    uint64_t key, Py_ssize_t row, Py_ssize_t cols, Py_ssize_t unit, double rate,
) noexcept nogil
