"""Dropout masks from a counter: the same seed, step, layer and unit always give the same bit.

SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators") is a
mixing function over an evenly spaced counter, so any element can be computed alone. A mask is
therefore never stored, and it does not depend on which thread asks for it.
"""

from libc.stdint cimport uint64_t


cdef inline uint64_t mix(uint64_t z) noexcept nogil:
    z = (z ^ (z >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9ULL
    z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EBULL
    return z ^ (z >> 31)


cdef inline uint64_t counter_bits(uint64_t key, uint64_t counter) noexcept nogil:
    """Output number `counter` of the SplitMix64 generator that starts at `key`."""
    return mix(key + (counter + 1) * <uint64_t> 0x9E3779B97F4A7C15ULL)


cdef inline uint64_t mask_key(uint64_t seed, uint64_t step, uint64_t layer) noexcept nogil:
    """Each (seed, step, layer) owns a generator of its own."""
    return counter_bits(counter_bits(counter_bits(0, seed), step), layer)


cdef inline uint64_t mask_threshold(double rate) noexcept nogil:
    """The rate on the scale of 53 random bits, as fine as a double can say it."""
    return <uint64_t> (rate * 9007199254740992.0)


cdef inline bint dropped(uint64_t key, uint64_t unit, uint64_t threshold) noexcept nogil:
    return (counter_bits(key, unit) >> 11) < threshold
