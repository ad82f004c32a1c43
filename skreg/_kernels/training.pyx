"""One epoch: a step of the update rule for each batch of rows.

A batch is gathered, goes forward and backward, and moves the parameters, all without the
interpreter lock and in buffers that the caller has allocated. The objective of a batch with
weight sum V is (1 / V) (sum_i v_i loss_i + alpha / 2 ||weights||^2), to which the proximal step of
the update adds l1 ||weights||_1; biases are not penalized. The chain of a step:

    gradient of the loss  (at the point that SAM climbs to)
    + alpha / V weights,  clipped to a norm over all parameters
    update rule with decay and proximal step
    cap or normalization of the spectral norms
    average of the weights

Arrays that do not apply are empty: X for sparse input, the CSR triple for dense, weight for ones,
codes or targets, average, saved, singular vectors, watched.
"""

from cpython.exc cimport PyErr_CheckSignals
from cython cimport floating
from cython.parallel cimport prange
from libc.math cimport fabs, isfinite, sqrt
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from skreg._kernels.blas cimport axpy, dot
from skreg._kernels.dropout cimport drop_units, mask_key
from skreg._kernels.network cimport Batch, Network, Plan, batch_gradient, describe
from skreg._kernels.rows cimport gather_csr, gather_rows, gather_targets
from skreg._kernels.spectral cimport power_iteration, remove_growth, scale_by
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


cdef double penalize(
    const Network* net, const Plan* plan, double strength, const floating* params,
    floating* grads, double* squares,
) noexcept nogil:
    """Add the penalty's gradient; return its value, and the squared norm of all in squares[0]."""
    cdef Py_ssize_t n = net.n_parameters, pieces = (n + PIECE - 1) // PIECE, k, stop
    cdef double* partial = plan.partial
    cdef double penalty = 0
    for k in prange(pieces, num_threads=plan.threads, use_threads_if=plan.threads > 1):
        stop = min((k + 1) * PIECE, n)
        partial[2 * k] = penalize_piece(
            k * PIECE, stop, net.n_weights, strength, params, grads
        )
        partial[2 * k + 1] = dot(
            <int> (stop - k * PIECE), grads + k * PIECE, grads + k * PIECE
        ) if squares != NULL else 0
    if squares != NULL:
        squares[0] = 0
    for k in range(pieces):
        penalty += partial[2 * k]
        if squares != NULL:
            squares[0] += partial[2 * k + 1]
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


cdef void move(
    const Network* net, const Plan* plan, int rule, const double* constants, Step step,
    floating* params, const floating* grads, floating* moments,
) noexcept nogil:
    """The update of all parameters."""
    cdef Py_ssize_t n = net.n_parameters, pieces = (n + PIECE - 1) // PIECE, k, start, stop
    for k in prange(pieces, num_threads=plan.threads, use_threads_if=plan.threads > 1):
        start = k * PIECE
        stop = min(start + PIECE, n)
        apply_update(
            rule, constants, step, start, stop, net.n_weights, n, params, grads, moments
        )


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


def train_epoch(
    const floating[:, :] X, const floating[::1] data, const int[::1] indices,
    const int64_t[::1] indptr, const int[::1] codes, const floating[:, ::1] targets,
    const floating[::1] weight, const int64_t[::1] order, Py_ssize_t batch_size,
    const int[::1] units, const int[::1] kinds, int loss, double smoothing,
    const double[::1] level,
    int rule, const double[::1] constants, const double[:, ::1] numbers,
    const double[:, ::1] rates, double max_norm, double rho, bint adaptive,
    int spectral, double cap,
    floating[::1] params, floating[::1] grads, floating[:, ::1] moments, int64_t[::1] steps,
    floating[::1] average, floating[::1] saved, floating[::1] singular,
    floating[::1] inputs, floating[::1] batch_data, int[::1] batch_indices,
    int64_t[::1] batch_indptr, floating[::1] batch_targets, floating[::1] batch_weight,
    floating[:, ::1] layers, const int64_t[:, ::1] tasks, Py_ssize_t chunk,
    double[::1] partial, int threads, double[::1] sums, double[:, ::1] watched, uint64_t seed,
):
    """Update params batch by batch over `order`; steps[0] counts the updates.

    sums gains (rows, loss, penalty, batches): the batch means of loss and alpha penalty, each
    times its rows. watched gains squares of gradients (before clipping) and of updates, one
    column a layer. Return whether all losses were finite; the epoch ends with the first that is
    not. A batch whose weights are all zero says nothing about the data and would divide by zero:
    it is skipped and is no step. numbers and rates have a row for each step.
    """
    cdef Network net = describe(units, kinds, loss, smoothing, level)
    cdef bint sparse = indptr.shape[0] > 0, finite = True
    cdef bint clipping = max_norm > 0, watching = watched.shape[0] > 0
    cdef bint averaging = average.shape[0] > 0
    cdef Py_ssize_t n = order.shape[0], start, stop = 0, done, outputs
    cdef int64_t first_step = steps[0]
    cdef Batch batch
    cdef Plan plan
    cdef Step step
    cdef const double* row
    cdef double total, mean, penalty, square = 0, work = 0
    outputs = net.units[net.depth]
    batch.inputs = NULL if sparse else &inputs[0]
    batch.data = &batch_data[0] if sparse else NULL
    batch.indices = &batch_indices[0] if sparse else NULL
    batch.indptr = &batch_indptr[0] if sparse else NULL
    batch.outputs, batch.slopes, batch.deltas = &layers[0, 0], &layers[1, 0], &layers[2, 0]
    batch.target, batch.weight, batch.seed = &batch_targets[0], &batch_weight[0], seed
    plan.threads, plan.chunk, plan.partial = threads, chunk, &partial[0]
    plan.tasks, plan.n_tasks = &tasks[0, 0], tasks.shape[0]
    with nogil:
        while stop < n:
            start = stop
            batch.rows = min(batch_size, n - start)
            stop += batch.rows
            done = steps[0] - first_step
            row, batch.rates = &numbers[done, 0], &rates[done, 0]
            total = gather_targets(
                codes, targets, weight, &order[start], batch.rows, outputs,
                &batch_targets[0], &batch_weight[0],
            )
            if total == 0:
                continue
            batch.step, batch.scale = <uint64_t> steps[0], 1 / total
            if sparse:
                gather_csr(
                    &data[0], &indices[0], &indptr[0], &order[start], batch.rows,
                    &batch_data[0], &batch_indices[0], &batch_indptr[0], net.units[0],
                    mask_key(seed, batch.step, 0), batch.rates[0],
                )
            else:
                gather_rows(X, &order[start], 0, batch.rows, &inputs[0])
                if batch.rates[0] > 0:
                    drop_units(&inputs[0], <floating*> NULL, batch.rows, net.units[0],
                               mask_key(seed, batch.step, 0), 0, batch.rates[0])
            mean = batch_gradient(&net, &batch, &plan, &params[0], &grads[0], False) / total
            if rho > 0 and isfinite(mean):
                climb(&net, &params[0], &grads[0], &saved[0], rho, adaptive)
                batch_gradient(&net, &batch, &plan, &params[0], &grads[0], False)
                memcpy(&params[0], &saved[0], net.n_parameters * sizeof(floating))
            if spectral:
                follow_spectral_norms(
                    &net, spectral, cap, &params[0], &grads[0], &singular[0],
                    &singular[0] + singular.shape[0] // 2, False,
                )
            penalty = penalize(
                &net, &plan, row[ALPHA] / total, &params[0], &grads[0],
                &square if clipping else NULL,
            )
            if not isfinite(mean + penalty):
                finite = False
                break
            if watching:
                add_squares(&net, &grads[0], <floating*> NULL, &watched[0, 0])
                memcpy(&saved[0], &params[0], net.n_parameters * sizeof(floating))
            steps[0] += 1
            step.t = <double> steps[0]
            step.learning_rate, step.decay = row[LEARNING_RATE], row[DECAY]
            step.threshold = row[LEARNING_RATE] * row[L1]
            step.clip = 1
            if clipping:
                step.clip = clip_factor(&grads[0], net.n_parameters, square, max_norm)
            move(
                &net, &plan, rule, &constants[0], step, &params[0], &grads[0], &moments[0, 0],
            )
            if spectral:
                follow_spectral_norms(
                    &net, spectral, cap, &params[0], &grads[0], &singular[0],
                    &singular[0] + singular.shape[0] // 2, True,
                )
            if averaging and row[AVERAGE] > 0:
                move_average(&average[0], &params[0], net.n_parameters, row[AVERAGE])
            if watching:
                add_squares(&net, &params[0], &saved[0], &watched[1, 0])
            sums[0] += batch.rows
            sums[1] += mean * batch.rows
            sums[2] += penalty * batch.rows
            sums[3] += 1
            work += 3 * <double> batch.rows * net.n_weights
            if work > WORK_BETWEEN_SIGNALS:
                work = 0
                with gil:
                    PyErr_CheckSignals()
    return finite
