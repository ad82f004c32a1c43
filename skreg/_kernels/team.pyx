"""Threads that help with many short works, one after the other.

The thread that shares out a work takes tasks like everybody else, and at the end waits only for
tasks that helpers have begun: a helper that is not running, because other programs have its core,
delays nothing. OpenMP and barriers wait for every thread at the end of every work.

`ticket` holds three numbers, which one atomic addition reads and advances together: the number of
the work, of its tasks, and of the next task. So a helper that comes late cannot take a task of one
work for that of another.
"""

from libc.stdint cimport int64_t, uint64_t

cdef extern from *:
    """
    #if defined(_MSC_VER)
    #include <windows.h>
    #define SKREG_LOAD(p) _InterlockedExchangeAdd64((p), 0)
    #define SKREG_STORE(p, v) _InterlockedExchange64((p), (v))
    #define SKREG_ADD(p, v) _InterlockedExchangeAdd64((p), (v))
    #define SKREG_PAUSE() YieldProcessor()
    #define SKREG_YIELD() SwitchToThread()
    #define SKREG_SLEEP(us) Sleep(((us) + 999) / 1000)
    #else
    #include <sched.h>
    #include <time.h>
    #define SKREG_LOAD(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
    #define SKREG_STORE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
    #define SKREG_ADD(p, v) __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
    #if defined(__x86_64__) || defined(__i386__)
    #define SKREG_PAUSE() __builtin_ia32_pause()
    #else
    #define SKREG_PAUSE() ((void) 0)
    #endif
    #define SKREG_YIELD() sched_yield()
    #define SKREG_SLEEP(us) do { \\
        struct timespec t = {0, (us) * 1000L}; nanosleep(&t, 0); } while (0)
    #endif
    """
    int64_t load "SKREG_LOAD" (int64_t* p) noexcept nogil
    void store "SKREG_STORE" (int64_t* p, int64_t v) noexcept nogil
    int64_t add "SKREG_ADD" (int64_t* p, int64_t v) noexcept nogil
    void pause "SKREG_PAUSE" () noexcept nogil
    void give_way "SKREG_YIELD" () noexcept nogil
    void sleep "SKREG_SLEEP" (int microseconds) noexcept nogil

cdef enum:
    BITS = 20  # of the number of tasks, and of the next task
    SPINS = 4000  # looks at the ticket, about 50 microseconds, before giving way to others
    YIELDS = 200  # and so often that, before sleeping 50 microseconds at a time
    NAPS = 100  # and so often that, before sleeping ten times as long


cdef inline void wait_a_bit(int* looks) noexcept nogil:
    looks[0] += 1
    if looks[0] < SPINS:
        pause()
    elif looks[0] < SPINS + YIELDS:
        give_way()
    else:
        # Python between two epochs is short; a score on large data is not.
        sleep(50 if looks[0] < SPINS + YIELDS + NAPS else 500)


cdef bint do_task(Crew* crew) noexcept nogil:
    """Take a task and do it; False where none is left."""
    cdef int64_t mask = (<int64_t> 1 << BITS) - 1, ticket = load(&crew.ticket)
    # Looking first keeps those who wait from counting on beyond the number of tasks.
    if (ticket & mask) >= ((ticket >> BITS) & mask):
        return False
    ticket = add(&crew.ticket, 1)
    if (ticket & mask) >= ((ticket >> BITS) & mask):
        return False
    crew.work(crew.context, ticket & mask)
    add(&crew.done, 1)
    return True


cdef void share_out(Crew* crew, Work work, void* context, Py_ssize_t n_tasks) noexcept nogil:
    """Do all tasks, with those who help."""
    cdef Py_ssize_t k
    cdef uint64_t ticket
    cdef int looks = 0
    if crew.helpers == 0 or n_tasks == 1 or n_tasks >> BITS:
        for k in range(n_tasks):
            work(context, k)
        return
    crew.work, crew.context, crew.works = work, context, crew.works + 1
    store(&crew.done, 0)
    ticket = (<uint64_t> crew.works << (2 * BITS)) | (<uint64_t> n_tasks << BITS)
    store(&crew.ticket, <int64_t> ticket)
    while do_task(crew):
        pass
    while load(&crew.done) < n_tasks:
        # What is left has been begun, and will not take long.
        wait_a_bit(&looks)


cdef void help(Crew* crew) noexcept nogil:
    cdef int looks = 0
    while not load(&crew.closed):
        if do_task(crew):
            looks = 0
        else:
            wait_a_bit(&looks)


cdef class Team:
    """One thread that shares out work, and `helpers` more that run `help` until `close`."""

    def __cinit__(self, int helpers=0):
        self.crew.helpers = helpers

    @property
    def threads(self):
        """Of this team, the one that shares out included."""
        return self.crew.helpers + 1

    def help(self):
        """Take part until the team is closed."""
        with nogil:
            help(&self.crew)

    def close(self):
        """Send the helpers home."""
        store(&self.crew.closed, 1)
