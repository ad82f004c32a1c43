"""min over w of 1/2 w'Qw - q'w + sum l1_j |w_j| + 1/2 sum l2_j w_j^2, lower <= w <= upper.

An active-set method: steps of coordinate descent let coordinates in, then Newton's method solves
for all that are free (neither zero nor at a bound) with their signs, and those that would change
their sign leave. Each step lowers the objective, so no support comes twice; the last one is exact.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport INFINITY, fabs, fmax, fmin

from skreg._kernels.blas cimport axpy
from skreg._kernels.factor cimport (
    MOST_GONE, Factor, append, border, clear, is_in, solve as solve_factor, take_back, take_out,
)

cdef double STIFFEST = 1e-6  # the proximal term at most, beside the diagonal
cdef double ROUNDING = 1e3  # slopes, in tolerances, that may be rounding

cdef enum:
    SWEEPS = 4  # of descent, before Newton's method, where many coordinates came in at once
    MANY = 16  # of them, beside half of the free ones
    STIFFER = 30  # times the proximal term, where it was too small to make a matrix definite
    FAILED = -1  # a step of Newton's method that does not lower the objective
    PATIENCE = 3  # steps of Newton's method that gain no digit before rounding is to blame

GONE = MOST_GONE

ctypedef struct Problem:
    const double* Q  # (m, m), its rows ld apart
    const double* q
    const double* l1
    const double* l2
    const double* lower
    const double* upper
    double* w
    double* g  # q - Qw
    Py_ssize_t ld
    int m
    const double* noise  # of a gradient, by rounding, where the fit is not made of larger parts
    double usual  # sum of noise_j |w_j| up to which that is so
    double rough  # times the noise, where it is not


cdef inline bint is_free(const Problem* p, int j) noexcept nogil:
    """Whether the objective is smooth in w_j."""
    return (p.w[j] != 0 or p.l1[j] == 0) and p.lower[j] < p.w[j] < p.upper[j]


cdef inline double slope(const Problem* p, int j) noexcept nogil:
    """Minus the derivative with respect to w_j, |w_j| being 0 at 0."""
    cdef double value = p.g[j] - p.l2[j] * p.w[j]
    if p.w[j] > 0:
        return value - p.l1[j]
    return value + p.l1[j] if p.w[j] < 0 else value


cdef inline double tolerance(const Problem* p, int j) noexcept nogil:
    """How far a slope may be from where it belongs."""
    return p.rough * p.noise[j] + 1e-14 * p.l1[j]


cdef inline bint is_at_rest(const Problem* p, int j) noexcept nogil:
    """Whether a coordinate that is not free stays where it is."""
    cdef double s = slope(p, j), most = tolerance(p, j)
    if p.w[j] == 0:
        most += p.l1[j]
    return (s <= most or p.w[j] >= p.upper[j]) and (s >= -most or p.w[j] <= p.lower[j])


cdef inline void step(Problem* p, int j) noexcept nogil:
    """Minimize over w_j."""
    cdef double curvature = p.Q[j * p.ld + j], z = p.g[j] + curvature * p.w[j], new = 0
    if z > p.l1[j]:
        new = z - p.l1[j]
    elif z < -p.l1[j]:
        new = z + p.l1[j]
    if curvature + p.l2[j] == 0:
        return
    new = fmin(fmax(new / (curvature + p.l2[j]), p.lower[j]), p.upper[j])
    if new != p.w[j]:
        axpy(p.m, p.w[j] - new, p.Q + j * p.ld, p.g)
        p.w[j] = new


cdef int let_in(Problem* p) noexcept nogil:
    """Step along the coordinates that are not at rest and not free; return how many."""
    cdef int j, count = 0
    for j in range(p.m):
        if not is_free(p, j) and not is_at_rest(p, j):
            step(p, j)
            count += 1
    return count


cdef int descend(Problem* p, int most) noexcept nogil:
    """Sweep over the coordinates that are not zero; return how often."""
    cdef int _, j, count = min(<int> SWEEPS, most)
    for _ in range(count):
        for j in range(p.m):
            if p.w[j] != 0 or p.l1[j] == 0:
                step(p, j)
    return count


cdef void refresh(Problem* p) noexcept nogil:
    """The gradient, afresh, and what rounding makes of it."""
    cdef int j
    cdef double parts = 0
    for j in range(p.m):
        p.g[j] = p.q[j]
    for j in range(p.m):
        if p.w[j] != 0:
            axpy(p.m, -p.w[j], p.Q + j * p.ld, p.g)
            parts += p.noise[j] * fabs(p.w[j])
    p.rough = parts / p.usual if parts > p.usual else 1


cdef bint follow(const Problem* p, Factor* f, double proximal, int* new) noexcept nogil:
    """Make the factor that of the free coordinates; false if their matrix is singular."""
    cdef int j, count = 0, leaving = 0
    for j in range(p.m):
        if is_free(p, j):
            if f.place[j] >= 0 and not is_in(f, j):
                take_back(f, j)
        elif is_in(f, j):
            leaving += 1
    if f.n_gone + leaving > min(<int> MOST_GONE, f.k // 4):
        clear(f)
    for j in range(p.m):
        if not is_free(p, j):
            if is_in(f, j):
                take_out(f, j)
        elif f.place[j] < 0:
            new[count] = j
            count += 1
    if f.k + count > f.size:
        return False
    if count > 0 and not append(f, p.Q, p.ld, p.l2, proximal, new, count):
        return False
    return border(f)


cdef double largest_slope(const Problem* p) noexcept nogil:
    """Of the free coordinates, in units of the tolerance."""
    cdef int j
    cdef double largest = 0
    for j in range(p.m):
        if is_free(p, j):
            largest = fmax(largest, fabs(slope(p, j)) / tolerance(p, j))
    return largest


cdef double part_of(const Problem* p, int j, double d) noexcept nogil:
    """How much of a step d the coordinate can do before it is zero or at a bound."""
    cdef double room = INFINITY
    if d == 0:
        return room
    if d > 0:
        room = p.upper[j] - p.w[j]
        if p.w[j] < 0 and p.l1[j] > 0:
            room = fmin(room, -p.w[j])
    else:
        room = p.w[j] - p.lower[j]
        if p.w[j] > 0 and p.l1[j] > 0:
            room = fmin(room, p.w[j])
    return room / fabs(d)


cdef double landing(const Problem* p, int j, double d) noexcept nogil:
    """Where a coordinate ends that goes no further than to zero or a bound."""
    if p.w[j] != 0 and p.l1[j] > 0 and (p.w[j] > 0) != (d > 0) and p.lower[j] <= 0 <= p.upper[j]:
        return 0
    return p.upper[j] if d > 0 else p.lower[j]


cdef double search(
    const Problem* p, const Factor* f, double proximal, double* d, double* s, double* part,
) noexcept nogil:
    """Go along d from w, stopping coordinates at zero or a bound, to the first minimum: how far.

    s are the slopes, by places; those at the end are left there. The parts of d after which
    coordinates were stopped are left in `part`, infinity for the others.
    """
    cdef int i, j, stopped = 0
    cdef double t = 0, derivative, curvature, best, nearest
    cdef double* u = part + f.k  # (Q + l2) d of those that move
    for i in range(f.k):
        part[i] = part_of(p, f.order[i], d[i])
        u[i] = s[i] - proximal * p.Q[f.order[i] * (p.ld + 1)] * d[i]
    while True:
        derivative = curvature = 0
        nearest = INFINITY
        for i in range(f.k):
            if part[i] > t:
                derivative += d[i] * s[i]
                curvature += d[i] * u[i]
                nearest = fmin(nearest, part[i])
        best = 1 if stopped == 0 else t
        if stopped > 0 and derivative > 0:
            best = t + derivative / curvature if curvature > 0 else INFINITY
        if best < nearest or nearest == INFINITY:
            best = fmin(best, t + 1)
            for i in range(f.k):
                s[i] -= (best - t) * u[i]
            return best
        for i in range(f.k):
            s[i] -= (nearest - t) * u[i]
        t = nearest
        for j in range(f.k):
            if part[j] == t:
                stopped += 1
                for i in range(f.k):
                    u[i] -= d[j] * p.Q[f.order[i] + f.order[j] * p.ld]
                u[j] -= d[j] * p.l2[f.order[j]]


cdef int newton(Problem* p, Factor* f, double proximal, double* d, double* s) noexcept nogil:
    """A step of Newton's method; return how many coordinates were stopped, or FAILED.

    Of the gradient only what belongs to the free coordinates is kept up.
    """
    cdef int i, j, stopped = 0
    cdef double t, descent = 0
    cdef double* part = s + p.m
    for i in range(f.k):
        d[i] = s[i] = slope(p, f.order[i])
    for i in range(f.n_gone):
        d[f.gone[i]] = s[f.gone[i]] = 0
    solve_factor(f, d)
    for i in range(f.k):
        descent += d[i] * s[i]
    if not 0 <= descent < INFINITY:
        return FAILED
    t = search(p, f, proximal, d, s, part)
    for i in range(f.k):
        j = f.order[i]
        if part[i] <= t:
            stopped += 1
            p.w[j] = landing(p, j, d[i])
        else:
            p.w[j] += t * d[i]
            p.g[j] = s[i] + p.l2[j] * p.w[j] + (p.l1[j] if p.w[j] > 0 else -p.l1[j])
    return stopped


def minimize(
    const double[:, ::1] Q, const double[::1] q, const double[::1] l1, const double[::1] l2,
    const double[::1] lower, const double[::1] upper, double[::1] w, double[::1] g,
    double[::1, :] R, double[::1, :] Z, double[::1, :] M, int[::1] order, int[::1] place,
    int[::1] gone, int[::1] counts, int[::1] new, double[:, ::1] work,
    double proximal, const double[::1] noise, double usual, int max_iter, const int[::1] given_up,
):
    """Minimize over the m = len(w) first coordinates from w; g is left as q - Qw.

    R (size, size), Z (size, GONE), M (GONE, GONE), order (size,), place (m,), gone (GONE,) and
    counts (2,) keep the factor from one call to the next, as long as Q and l2 stay: counts = 0 and
    place = -1 is the empty one. `new` (m,) and `work` (4, m) are for intermediate results.
    1 + `proximal` multiplies the diagonal so that collinear columns can be solved for, `noise` is
    what rounding leaves of a gradient as long as the sum of noise_j |w_j| is at most `usual`.

    Returns
    -------
    Steps taken, Newton's and sweeps of descent, and whether they ended by themselves.
    """
    cdef Problem p = Problem(
        &Q[0, 0], &q[0], &l1[0], &l2[0], &lower[0], &upper[0], &w[0], &g[0], Q.shape[1],
        <int> w.shape[0], &noise[0], usual, 1,
    )
    cdef Factor f = Factor(
        &R[0, 0], &Z[0, 0], &M[0, 0], &order[0], &place[0], &gone[0], <int> R.shape[0], counts[0],
        counts[1],
    )
    cdef int n_iter = 0, entered, stopped = 0, poor = 0
    cdef double largest, least = INFINITY
    cdef bint done = False
    with nogil:
        while n_iter < max_iter and not given_up[0]:
            if stopped <= 0:
                # Else the others go on first, or those that were stopped may come in again.
                refresh(&p)
                entered = let_in(&p)
                if entered > MANY + f.k // 2:
                    n_iter += descend(&p, max_iter - n_iter)
                elif entered == 0:
                    largest = largest_slope(&p)
                    poor = poor + 1 if stopped == 0 and largest > least / 2 else 0
                    least = fmin(least, largest)  # of all, as rounding may go in circles
                    if largest <= 1 or (poor >= PATIENCE and largest < ROUNDING):
                        done = True
                        break
                    if poor >= PATIENCE:
                        n_iter += descend(&p, max_iter - n_iter)
            if n_iter == max_iter:
                break
            n_iter += 1
            if follow(&p, &f, proximal, &new[0]):
                stopped = newton(&p, &f, proximal, &work[0, 0], &work[1, 0])
            else:
                clear(&f)
                proximal = fmin(proximal * STIFFER, STIFFEST)
                stopped = FAILED
            if stopped == FAILED:
                refresh(&p)
                n_iter += descend(&p, max_iter - n_iter)
            with gil:
                PyErr_CheckSignals()
        if not done:
            refresh(&p)  # Newton's method keeps it up for the free ones only
    counts[0], counts[1] = f.k, f.n_gone
    return n_iter, done
