"""Dropout masks from a counter: the same seed, step, layer and unit always give the same bit.

A mask is therefore never stored, and it does not depend on which thread asks for it.
"""

from libc.stdint cimport uint64_t

from skreg._kernels.splitmix cimport counter_bits


cdef inline uint64_t mask_key(uint64_t seed, uint64_t step, uint64_t layer) noexcept nogil:
    """Each (seed, step, layer) owns a generator of its own."""
    return counter_bits(counter_bits(counter_bits(0, seed), step), layer)


cdef inline uint64_t mask_threshold(double rate) noexcept nogil:
    """The rate on the scale of 53 random bits, as fine as a double can say it."""
    return <uint64_t> (rate * 9007199254740992.0)


cdef inline bint dropped(uint64_t key, uint64_t unit, uint64_t threshold) noexcept nogil:
    return (counter_bits(key, unit) >> 11) < threshold
