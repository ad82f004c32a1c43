"""SplitMix64: random bits from a key and a counter.

A mixing function over an evenly spaced counter (Steele, Lea and Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014), so that any number of the sequence can be computed
alone, by any thread.
"""

from libc.stdint cimport uint64_t


cdef inline uint64_t mix(uint64_t z) noexcept nogil:
    z = (z ^ (z >> 30)) * <uint64_t> 0xBF58476D1CE4E5B9ULL
    z = (z ^ (z >> 27)) * <uint64_t> 0x94D049BB133111EBULL
    return z ^ (z >> 31)


cdef inline uint64_t counter_bits(uint64_t key, uint64_t counter) noexcept nogil:
    """Output number `counter` of the generator that starts at `key`."""
    return mix(key + (counter + 1) * <uint64_t> 0x9E3779B97F4A7C15ULL)
