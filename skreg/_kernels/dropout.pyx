"""Inverted dropout of whole rows of units, and the mask written out for looking at it."""

from cython cimport floating
from libc.stdint cimport uint16_t, uint64_t
from libc.string cimport memcpy

from skreg._kernels.simd cimport cloned_void
from skreg._kernels.splitmix cimport counter_bits

cdef enum:
    WORDS = 256  # numbers of the generator at a time; each serves four units


cdef cloned_void unit_bits(
    uint16_t* bits, Py_ssize_t n_words, uint64_t key, uint64_t first
) noexcept nogil:
    cdef uint64_t words[WORDS]
    cdef Py_ssize_t k
    for k in range(n_words):
        words[k] = counter_bits(key, first + k)
    memcpy(bits, words, n_words * sizeof(uint64_t))


cdef cloned_void keep_or_drop(
    floating* a, floating* slope, Py_ssize_t n, const uint16_t* bits, int threshold,
    floating scale,
) noexcept nogil:
    cdef floating factor, nothing = 0
    cdef Py_ssize_t j
    if slope == NULL:
        for j in range(n):
            # A product keeps what is not finite from being lost in silence.
            a[j] *= nothing if bits[j] < threshold else scale
    else:
        for j in range(n):
            factor = nothing if bits[j] < threshold else scale
            a[j] *= factor
            slope[j] *= factor


cdef void drop_units(
    floating* a, floating* slope, Py_ssize_t rows, Py_ssize_t cols,
    uint64_t key, Py_ssize_t first_row, double rate,
) noexcept nogil:
    """Drop units of a, and the same ones of slope unless that is NULL; scale what stays.

    Row i has numbers i * words, i * words + 1, ... of the generator, so that short rows can share
    one call for them.
    """
    cdef uint16_t bits[4 * WORDS]
    cdef int threshold = mask_threshold(rate)
    cdef floating scale = <floating> (65536.0 / (65536 - threshold))
    cdef Py_ssize_t words = (cols + 3) // 4, total = rows * words, at = 0, n, taken, i, j
    if threshold == 0:
        return
    while at < total:
        n = min(WORDS, total - at)
        unit_bits(bits, n, key, first_row * words + at)
        i, j = at // words, 4 * (at % words)
        taken = 0
        while taken < n:
            keep_or_drop(
                a + i * cols + j, NULL if slope == NULL else slope + i * cols + j,
                min(cols - j, 4 * (n - taken)), bits + 4 * taken, threshold, scale,
            )
            taken += min(words - j // 4, n - taken)
            i, j = i + 1, 0
        at += n


cdef double kept_share(
    uint64_t key, Py_ssize_t row, Py_ssize_t cols, Py_ssize_t unit, double rate,
) noexcept nogil:
    """The factor that `drop_units` gives to one unit of one row of cols units."""
    cdef uint16_t bits[4]
    cdef int threshold = mask_threshold(rate)
    if threshold == 0:
        return 1
    unit_bits(bits, 1, key, row * ((cols + 3) // 4) + unit // 4)
    return 0 if bits[unit % 4] < threshold else 65536.0 / (65536 - threshold)


def dropout_factor(
    floating[:, ::1] out, uint64_t seed, uint64_t step, uint64_t layer, double rate,
    Py_ssize_t first_row=0,
):
    """Multiply units by 0 where they are dropped, by 1 / (1 - rate) elsewhere."""
    if out.shape[0] and out.shape[1]:
        with nogil:
            drop_units(
                &out[0, 0], <floating*> NULL, out.shape[0], out.shape[1],
                mask_key(seed, step, layer), first_row, rate,
            )
