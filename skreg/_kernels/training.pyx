"""One epoch: a step of the update rule for each batch of rows.

Each batch is gathered, goes forward and backward, and moves the parameters, all without the
interpreter lock and in buffers that the caller has allocated. The objective of a batch with
weight sum V is (1 / V) (sum_i v_i loss_i + alpha / 2 ||weights||^2); biases are not penalized.

Arrays that do not apply are empty: X for sparse input, the CSR triple for dense, weight for ones.
"""

from cpython.exc cimport PyErr_CheckSignals
from cython cimport floating
from libc.math cimport isfinite
from libc.stdint cimport int64_t, uint64_t

from skreg._kernels.blas cimport axpy, dot
from skreg._kernels.network cimport Network, batch_gradient, describe
from skreg._kernels.rows cimport gather_rows, gather_targets
from skreg._kernels.updates cimport apply_update

# Multiply-adds between two looks for Ctrl-C: about a tenth of a second.
cdef double WORK_BETWEEN_SIGNALS = 3e8


cdef double penalty_gradient(
    Py_ssize_t n_weights, double strength, const floating* params, floating* grads,
) noexcept nogil:
    """Add the gradient of strength / 2 ||weights||^2 to grads; return its value."""
    if strength == 0:
        return 0
    axpy(<int> n_weights, <floating> strength, params, grads)
    return 0.5 * strength * dot(<int> n_weights, params, params)


def train_epoch(
    const floating[:, :] X, const floating[::1] data, const int[::1] indices,
    const int64_t[::1] indptr, const int[:, ::1] targets, const floating[::1] weight,
    const int64_t[::1] order, Py_ssize_t batch_size,
    const int[::1] units, const int[::1] kinds, const double[::1] rates, int loss,
    double smoothing, double alpha, int rule, const double[::1] hyper,
    floating[::1] params, floating[::1] grads, floating[:, ::1] moments, int64_t[::1] steps,
    floating[::1] batch, int[::1] batch_targets, floating[::1] batch_weight,
    floating[::1] hidden, floating[::1] deltas, uint64_t seed,
):
    """Update params batch by batch over `order`; steps[0] counts the updates.

    Return the mean of the batch objectives, weighted by their rows. It is not finite, and the
    epoch ends early, where a batch overflowed. A batch whose weights are all zero says nothing
    about the data and would divide by zero: it is skipped and does not count.
    """
    cdef Network net = describe(units, kinds, rates, loss, smoothing)
    cdef bint sparse = indptr.shape[0] > 0
    cdef const floating* rows_data = &data[0] if sparse else &batch[0]
    cdef const int* rows_indices = &indices[0] if sparse else NULL
    cdef const int64_t* rows_indptr = &indptr[0] if sparse else NULL
    cdef Py_ssize_t n = order.shape[0], start, stop = 0, rows, counted = 0
    cdef double total, objective, result = 0, work = 0
    with nogil:
        while stop < n:
            start = stop
            rows = min(batch_size, n - start)
            stop += rows
            total = gather_targets(
                targets, weight, &order[start], rows, &batch_targets[0], &batch_weight[0]
            )
            if total == 0:
                continue
            if not sparse:
                gather_rows(X, &order[start], rows, &batch[0])
            objective = batch_gradient(
                &net, rows, rows_data, rows_indices, rows_indptr, &order[start],
                &batch_targets[0], &batch_weight[0], 1 / total, False,
                &params[0], &grads[0], &hidden[0], &deltas[0], seed, <uint64_t> steps[0],
            ) / total
            objective += penalty_gradient(net.n_weights, alpha / total, &params[0], &grads[0])
            if not isfinite(objective):
                result, counted = objective, 1
                break
            steps[0] += 1
            apply_update(
                rule, &hyper[0], <double> steps[0], net.n_weights, params.shape[0],
                &params[0], &grads[0], &moments[0, 0],
            )
            result += objective * rows
            counted += rows
            work += 3 * <double> rows * net.n_weights
            if work > WORK_BETWEEN_SIGNALS:
                work = 0
                with gil:
                    PyErr_CheckSignals()
    return result / counted if counted else 0.0
