"""The dropout mask written out, for tests and for looking at."""

from libc.stdint cimport uint64_t


def dropout_mask(
    unsigned char[::1] out, uint64_t seed, uint64_t step, uint64_t layer, double rate
):
    """out[j] = 1 where unit j is dropped."""
    cdef uint64_t key = mask_key(seed, step, layer)
    cdef uint64_t threshold = mask_threshold(rate)
    cdef Py_ssize_t j
    with nogil:
        for j in range(out.shape[0]):
            out[j] = dropped(key, j, threshold)
