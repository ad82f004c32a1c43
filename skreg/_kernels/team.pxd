from libc.stdint cimport int64_t

# Task number k of the work that `context` describes.
ctypedef void (*Work)(void* context, Py_ssize_t k) noexcept nogil

cdef struct Crew:
    int64_t ticket  # what is being shared out, and the number of the next task
    int64_t apart[7]  # so that counters do not share a line of the cache
    int64_t done  # tasks of this work that are finished
    int64_t apart_too[7]
    int64_t closed
    int64_t works  # how often something was shared out
    int helpers
    Work work
    void* context

cdef void share_out(Crew* crew, Work work, void* context, Py_ssize_t n_tasks) noexcept nogil

cdef class Team:
    cdef Crew crew
