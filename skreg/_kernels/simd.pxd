"""A return type for loops that pay for wide registers: the compiler makes one version of the
function for each level of x86-64, and the program takes the best that the machine has.

`cdef cloned_void f(...) noexcept nogil` is a `void` function wherever that is not possible. What
f calls must be inline, or it is compiled for the oldest machine.
"""

cdef extern from *:
    """
    #ifndef SKREG_CLONED_VOID
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) \
        && __GNUC__ >= 12
    #define SKREG_CLONED_VOID __attribute__((target_clones( \
        "arch=x86-64-v4", "arch=x86-64-v3", "default"))) void
    #else
    #define SKREG_CLONED_VOID void
    #endif
    #if defined(__SSE__) || defined(_M_X64)
    #include <xmmintrin.h>
    #define SKREG_FLUSH(old) ((old) = _mm_getcsr(), _mm_setcsr((old) | 0x8040))
    #define SKREG_RESTORE(old) _mm_setcsr(old)
    #else
    #define SKREG_FLUSH(old) ((old) = 0)
    #define SKREG_RESTORE(old) ((void) (old))
    #endif
    #if defined(__GNUC__)
    #define SKREG_PREFETCH(p) __builtin_prefetch(p)
    #else
    #define SKREG_PREFETCH(p) ((void) (p))
    #endif
    #endif
    """
    ctypedef void cloned_void "SKREG_CLONED_VOID"
    # From here on the calling thread takes numbers below the normal range for 0: they turn up by
    # the thousands where units are dead or outputs saturate, and cost a hundred times as much.
    void flush_denormals "SKREG_FLUSH" (unsigned int old) noexcept nogil
    # Begin to load the cache line of an address that is read soon.
    void prefetch "SKREG_PREFETCH" (const void* address) noexcept nogil
    void restore_denormals "SKREG_RESTORE" (unsigned int old) noexcept nogil
