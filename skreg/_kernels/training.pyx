"""One epoch: a step of the update rule for each batch of rows.

A batch is gathered, goes forward and backward, and moves the parameters, all without the
interpreter lock and in buffers that the caller has allocated. The objective of a batch with
weight sum V is (1 / V) (sum_i v_i loss_i + alpha / 2 ||weights||^2), to which the proximal step of
the update adds l1 ||weights||_1; biases are not penalized. The chain of a step:

    gradient of the loss  (at the point that SAM climbs to; of normalized matrices without the
        part that would make them longer)
    + alpha / V weights,  clipped to a norm over all parameters
    update rule with decay and proximal step
    cap or normalization of the spectral norms
    average of the weights
"""

from cpython.exc cimport PyErr_CheckSignals
from cython cimport floating
from libc.math cimport fabs, isfinite, sqrt
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from skreg._kernels.blas cimport axpy, dot
from skreg._kernels.dropout cimport mask_key
from skreg._kernels.network cimport Batch, Network, Plan, batch_gradient, describe
from skreg._kernels.rows cimport gather_csr, gather_targets
from skreg._kernels.spectral cimport power_iteration, remove_growth, scale_by
from skreg._kernels.team cimport Crew, Team, share_out
from skreg._kernels.updates cimport Step, apply_update, move_average

cdef enum:
    # Columns of the table that has a row for each step.
    LEARNING_RATE
    ALPHA
    DECAY
    L1
    AVERAGE  # share of the new weights in their average
    COLUMNS

cdef enum:
    PIECE = 16384  # parameters that one thread takes at a time
    CAP = 1
    NORMALIZE = 2

STEP_COLUMNS = {
    "learning_rate": LEARNING_RATE, "alpha": ALPHA, "weight_decay": DECAY, "l1": L1,
    "average": AVERAGE,
}
SPECTRAL = {None: 0, "cap": CAP, "normalize": NORMALIZE}
PIECE_LENGTH = PIECE

# Multiply-adds between two looks for Ctrl-C: about a tenth of a second.
cdef double WORK_BETWEEN_SIGNALS = 3e8


cdef double climb(
    const Network* net, floating* params, const floating* grads, floating* saved, double rho,
    bint adaptive,
) noexcept nogil:
    """Move params by rho along T^2 g / ||T g|| (SAM: T = 1; adaptive: |w| for weights).

    Foret et al. (2021); Kwon et al. (2021). A gradient of zero leaves them where they are.
    """
    cdef Py_ssize_t j, n = net.n_parameters
    cdef double square = 0, scale, t
    for j in range(n):
        t = grads[j] * fabs(params[j]) if adaptive and j < net.n_weights else grads[j]
        square += t * t
    memcpy(saved, params, n * sizeof(floating))
    scale = rho / sqrt(square) if square > 0 else 0
    for j in range(n):
        t = params[j] * params[j] if adaptive and j < net.n_weights else 1
        params[j] += <floating> (scale * t * grads[j])
    return square


cdef struct Pieces:
    const Network* net
    double* partial
    double strength  # of the penalty
    bint measured  # whether the norm of the gradient is wanted
    int rule
    const double* constants
    Step step
    void* params
    void* grads
    void* moments
    bint single  # precision


cdef double penalize_piece(
    Py_ssize_t start, Py_ssize_t stop, Py_ssize_t n_weights, double strength,
    const floating* params, floating* grads,
) noexcept nogil:
    """Add the gradient of strength / 2 ||weights||^2 in a piece; return its value."""
    cdef int size = <int> (min(stop, n_weights) - start)
    if strength == 0 or size <= 0:
        return 0
    axpy(size, <floating> strength, params + start, grads + start)
    return 0.5 * strength * dot(size, params + start, params + start)


cdef void penalize_task(void* context, Py_ssize_t k) noexcept nogil:
    """The penalty of a piece, and the square of its gradient's norm."""
    cdef Pieces* p = <Pieces*> context
    cdef Py_ssize_t start = k * PIECE, stop = min(start + PIECE, p.net.n_parameters)
    cdef int size = <int> (stop - start)
    cdef float* g = <float*> p.grads
    cdef double* h = <double*> p.grads
    if p.single:
        p.partial[2 * k] = penalize_piece(
            start, stop, p.net.n_weights, p.strength, <float*> p.params, g
        )
        p.partial[2 * k + 1] = dot(size, g + start, g + start) if p.measured else 0
    else:
        p.partial[2 * k] = penalize_piece(
            start, stop, p.net.n_weights, p.strength, <double*> p.params, h
        )
        p.partial[2 * k + 1] = dot(size, h + start, h + start) if p.measured else 0


cdef void move_task(void* context, Py_ssize_t k) noexcept nogil:
    """The update of a piece."""
    cdef Pieces* p = <Pieces*> context
    cdef Py_ssize_t n = p.net.n_parameters, start = k * PIECE, stop = min(start + PIECE, n)
    if p.single:
        apply_update(
            p.rule, p.constants, p.step, start, stop, p.net.n_weights, n,
            <float*> p.params, <const float*> p.grads, <float*> p.moments,
        )
    else:
        apply_update(
            p.rule, p.constants, p.step, start, stop, p.net.n_weights, n,
            <double*> p.params, <const double*> p.grads, <double*> p.moments,
        )


cdef double penalize(Pieces* pieces, Crew* crew, double* square) noexcept nogil:
    """Add the penalty's gradient; return its value, and in square that of the norm of all."""
    cdef Py_ssize_t count = (pieces.net.n_parameters + PIECE - 1) // PIECE, k
    cdef double penalty = 0
    square[0] = 0
    if pieces.strength == 0 and not pieces.measured:
        return 0
    share_out(crew, penalize_task, pieces, count)
    for k in range(count):
        penalty += pieces.partial[2 * k]
        square[0] += pieces.partial[2 * k + 1]
    return penalty


cdef double clip_factor(
    const floating* grads, Py_ssize_t n, double square, double max_norm,
) noexcept nogil:
    """What shortens the gradient to max_norm if it is longer; square is that of its norm."""
    cdef double top = 0, scaled = 0, t
    cdef Py_ssize_t j
    if not square > max_norm**2:
        return 1
    if isfinite(square):
        return max_norm / sqrt(square)
    # Too long to be squared. What is infinite stays so: 0 times it is NaN.
    for j in range(n):
        top = max(top, fabs(grads[j]))
    for j in range(n):
        t = grads[j] / top
        scaled += t * t
    return max_norm / top / sqrt(scaled)


cdef void follow_spectral_norms(
    const Network* net, int kind, double cap, floating* params, floating* grads,
    floating* left, floating* right, bint after,
) noexcept nogil:
    """Before the update correct the gradients of normalized matrices, after it scale them."""
    cdef Py_ssize_t fan_in, fan_out
    cdef double sigma
    cdef int layer
    for layer in range(net.depth):
        fan_in, fan_out = net.units[layer], net.units[layer + 1]
        if after:
            sigma = power_iteration(params, fan_in, fan_out, left, right)
            if sigma > 0 and (kind == NORMALIZE or sigma > cap):
                scale_by(params, fan_in * fan_out, (1 if kind == NORMALIZE else cap) / sigma)
        elif kind == NORMALIZE:
            remove_growth(grads, params, fan_in, fan_out, left, right)
        params, grads = params + fan_in * fan_out, grads + fan_in * fan_out
        left, right = left + fan_in, right + fan_out


cdef void add_squares(
    const Network* net, const floating* x, const floating* minus, double* out,
) noexcept nogil:
    """out[layer] += sum of (x - minus)^2 over weights and biases of the layer."""
    cdef Py_ssize_t at = 0, bias_at = net.n_weights, j, size
    cdef double d
    cdef int layer
    for layer in range(net.depth):
        size = <Py_ssize_t> net.units[layer] * net.units[layer + 1]
        for j in range(size):
            d = x[at + j] - (minus[at + j] if minus != NULL else 0)
            out[layer] += d * d
        at += size
        size = net.units[layer + 1]
        for j in range(size):
            d = x[bias_at + j] - (minus[bias_at + j] if minus != NULL else 0)
            out[layer] += d * d
        bias_at += size


cdef class Epoch:
    """An epoch made ready: all pointers are taken once, as that costs as much as two small steps.

    `buffers` are the arrays that all epochs of a training share, by name; all floating ones have
    the type of `params`. What does not apply is empty. Of each epoch `sums` gains (rows, loss,
    penalty, batches), the batch means of loss and alpha penalty times their rows, and `watched`,
    one column a layer, the squares of gradients (before clipping) and of updates.
    """

    cdef Network net
    cdef Batch batch
    cdef Plan plan
    cdef Pieces pieces
    cdef const int* codes
    cdef const void* targets
    cdef const void* weight
    cdef const void* data
    cdef const int* indices
    cdef const int64_t* indptr
    cdef const char* source
    cdef void* average
    cdef void* saved
    cdef void* left
    cdef void* right
    cdef int64_t* steps
    cdef double* sums
    cdef double* watched
    cdef Py_ssize_t batch_size
    cdef double max_norm, rho, cap
    cdef bint adaptive
    cdef int spectral
    cdef list kept  # what the pointers point to
    cdef object rows

    def __init__(
        self, const int[::1] units, const int[::1] kinds, int loss, double smoothing,
        const double[::1] level, int rule, const double[::1] constants, Py_ssize_t batch_size,
        double max_norm, double rho, bint adaptive, int spectral, double cap,
        int64_t[::1] steps, const int64_t[:, ::1] tasks, Py_ssize_t chunk, double[::1] partial,
        Team team, double[::1] sums, double[:, ::1] watched, uint64_t seed, dict buffers,
    ):
        self.net = describe(units, kinds, loss, smoothing, level)
        self.kept = [
            units, kinds, level, constants, steps, tasks, partial, team, sums, watched, buffers
        ]
        self.batch.seed, self.batch_size = seed, batch_size
        self.max_norm, self.rho, self.adaptive = max_norm, rho, adaptive
        self.spectral, self.cap = spectral, cap
        self.steps, self.sums = &steps[0], &sums[0]
        self.watched = &watched[0, 0] if watched.shape[0] else NULL
        self.plan.crew, self.plan.chunk, self.plan.partial = &team.crew, chunk, &partial[0]
        self.plan.tasks, self.plan.n_tasks = &tasks[0, 0], tasks.shape[0]
        self.pieces.net, self.pieces.partial = &self.net, self.plan.partial
        self.pieces.measured, self.pieces.rule = max_norm > 0, rule
        self.pieces.constants = &constants[0]
        self.pieces.single = buffers["params"].itemsize == sizeof(float)
        connect(self, **buffers)

    def read(self, **rows):
        """Take batches from these rows from now on."""
        itemsize = max(rows["X"].itemsize, rows["weight"].itemsize)
        if (itemsize == sizeof(float)) != self.pieces.single:
            raise TypeError("rows and parameters must have one type")
        connect_rows(self, **rows)
        self.rows = rows  # the pointers' old targets may go now

    def run(self, const int64_t[::1] order, const double[:, ::1] numbers,
            const double[:, ::1] rates):
        """Update params batch by batch over `order`, with a row of numbers and rates a step.

        Return whether all losses were finite; the epoch ends with the first that is not. A batch
        whose weights are all zero says nothing about the data and would divide by zero: it is
        skipped and is no step.
        """
        cdef bint finite
        with nogil:
            if self.pieces.single:
                finite = run_batches(
                    self, &order[0], order.shape[0], &numbers[0, 0], &rates[0, 0],
                    <float*> self.pieces.params,
                )
            else:
                finite = run_batches(
                    self, &order[0], order.shape[0], &numbers[0, 0], &rates[0, 0],
                    <double*> self.pieces.params,
                )
        return finite


def connect(
    Epoch epoch, floating[::1] params, floating[::1] grads, floating[:, ::1] moments,
    floating[::1] average, floating[::1] saved, floating[::1] singular, floating[::1] inputs,
    floating[::1] batch_data, int[::1] batch_indices, int64_t[::1] batch_indptr,
    floating[::1] batch_targets, floating[::1] batch_weight, floating[:, ::1] layers,
):
    """Take the pointers to the buffers."""
    epoch.pieces.params, epoch.pieces.grads = &params[0], &grads[0]
    epoch.pieces.moments = &moments[0, 0]
    epoch.average = &average[0] if average.shape[0] else NULL
    epoch.saved = &saved[0] if saved.shape[0] else NULL
    epoch.left = &singular[0] if singular.shape[0] else NULL
    epoch.right = &singular[singular.shape[0] // 2] if singular.shape[0] else NULL
    epoch.batch.inputs = &inputs[0] if inputs.shape[0] else NULL
    epoch.batch.data = &batch_data[0] if batch_data.shape[0] else NULL
    epoch.batch.indices = &batch_indices[0] if batch_indices.shape[0] else NULL
    epoch.batch.indptr = &batch_indptr[0]
    epoch.batch.target, epoch.batch.weight = &batch_targets[0], &batch_weight[0]
    epoch.batch.outputs, epoch.batch.slopes = &layers[0, 0], &layers[1, 0]
    epoch.batch.deltas, epoch.batch.turned = &layers[2, 0], &layers[3, 0]


def connect_rows(
    Epoch epoch, const floating[:, :] X, const floating[::1] data, const int[::1] indices,
    const int64_t[::1] indptr, const int[::1] codes, const floating[:, ::1] targets,
    const floating[::1] weight,
):
    """Take the pointers to the rows."""
    cdef bint sparse = indptr.shape[0] > 0
    epoch.source = NULL if sparse else <const char*> &X[0, 0]
    epoch.batch.row_stride, epoch.batch.column_stride = X.strides[0], X.strides[1]
    epoch.data = <const void*> &data[0] if data.shape[0] else NULL
    epoch.indices = &indices[0] if indices.shape[0] else NULL
    epoch.indptr = &indptr[0] if sparse else NULL
    epoch.codes = &codes[0] if codes.shape[0] else NULL
    epoch.targets = <const void*> &targets[0, 0] if targets.shape[0] else NULL
    epoch.weight = <const void*> &weight[0] if weight.shape[0] else NULL


cdef double take_batch(
    Epoch epoch, const int64_t* order, const double* rates, floating* params,
) noexcept nogil:
    """Gather what the main thread gathers of a batch; return the sum of its weights."""
    cdef Batch* batch = &epoch.batch
    cdef double total = gather_targets(
        epoch.codes, <const floating*> epoch.targets, <const floating*> epoch.weight, order,
        batch.rows, epoch.net.units[epoch.net.depth], <floating*> batch.target,
        <floating*> batch.weight,
    )
    batch.step, batch.scale = <uint64_t> epoch.steps[0], 1 / total if total > 0 else 0
    batch.rates = rates
    batch.source, batch.order = epoch.source, order
    if epoch.indptr != NULL and total > 0:
        gather_csr(
            <const floating*> epoch.data, epoch.indices, epoch.indptr, order, batch.rows,
            <floating*> batch.data, batch.indices, batch.indptr, epoch.net.units[0],
            mask_key(batch.seed, batch.step, 0), rates[0],
        )
    return total


cdef bint step(
    Epoch epoch, const double* row, double total, floating* params,
) noexcept nogil:
    """One batch, forward, backward, and the update; False where its loss is not finite."""
    cdef Network* net = &epoch.net
    cdef Pieces* pieces = &epoch.pieces
    cdef floating* grads = <floating*> pieces.grads
    cdef floating* saved = <floating*> epoch.saved
    cdef floating* left = <floating*> epoch.left
    cdef floating* right = <floating*> epoch.right
    cdef Py_ssize_t size = net.n_parameters * sizeof(floating)
    cdef double square, penalty, mean, climbed = 0
    mean = batch_gradient(net, &epoch.batch, &epoch.plan, params, grads, False) / total
    if epoch.rho > 0 and isfinite(mean):
        climb(net, params, grads, saved, epoch.rho, epoch.adaptive)
        epoch.batch.source = NULL  # the rows are there
        climbed = batch_gradient(net, &epoch.batch, &epoch.plan, params, grads, False)
        memcpy(params, saved, size)
    if epoch.spectral:
        follow_spectral_norms(
            net, epoch.spectral, epoch.cap, params, grads, left, right, False
        )
    pieces.strength = row[ALPHA] / total
    penalty = penalize(pieces, epoch.plan.crew, &square)
    if not isfinite(mean + penalty + climbed):
        return False
    if epoch.watched != NULL:
        add_squares(net, grads, <floating*> NULL, epoch.watched)
        memcpy(saved, params, size)
    epoch.steps[0] += 1
    pieces.step.t = <double> epoch.steps[0]
    pieces.step.learning_rate, pieces.step.decay = row[LEARNING_RATE], row[DECAY]
    pieces.step.threshold = row[LEARNING_RATE] * row[L1]
    pieces.step.clip = 1
    if epoch.max_norm > 0:
        pieces.step.clip = clip_factor(grads, net.n_parameters, square, epoch.max_norm)
    share_out(epoch.plan.crew, move_task, pieces, (net.n_parameters + PIECE - 1) // PIECE)
    if epoch.spectral:
        follow_spectral_norms(net, epoch.spectral, epoch.cap, params, grads, left, right, True)
    if epoch.average != NULL and row[AVERAGE] > 0:
        move_average(<floating*> epoch.average, params, net.n_parameters, row[AVERAGE])
    if epoch.watched != NULL:
        add_squares(net, params, saved, epoch.watched + net.depth)
    epoch.sums[0] += epoch.batch.rows
    epoch.sums[1] += mean * epoch.batch.rows
    epoch.sums[2] += penalty * epoch.batch.rows
    epoch.sums[3] += 1
    return True


cdef int run_batches(
    Epoch epoch, const int64_t* order, Py_ssize_t n, const double* numbers, const double* rates,
    floating* params,
) except -1 nogil:
    """1 where all losses were finite, else 0."""
    cdef Py_ssize_t stop = 0, start
    cdef double total, work = 0
    while stop < n:
        start = stop
        epoch.batch.rows = min(epoch.batch_size, n - start)
        stop += epoch.batch.rows
        total = take_batch(epoch, order + start, rates, params)
        if total > 0:
            if not step(epoch, numbers, total, params):
                return 0
            numbers, rates = numbers + COLUMNS, rates + epoch.net.depth
        work += 3 * <double> epoch.batch.rows * epoch.net.n_weights
        if work > WORK_BETWEEN_SIGNALS:
            work = 0
            with gil:
                PyErr_CheckSignals()
    return 1
