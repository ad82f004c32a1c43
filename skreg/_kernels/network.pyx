"""Forward and backward pass of a multilayer perceptron over one batch of rows.

With a_0 the batch and L weight matrices W_l of shape (units[l], units[l + 1]),

    a_{l+1} = dropout(f_l(a_l W_l + b_l)),   delta_L = d loss / d a_L
    dW_l = a_l' delta_{l+1},   db_l = colsum(delta_{l+1}),   delta_l = (delta_{l+1} W_l') f_{l-1}'

The parameter vector holds W_0 ... W_{L-1}, then b_0 ... b_{L-1}; the gradient is laid out alike.
`hidden` holds a_1 ... a_L one after the other (a_L turns into delta_L), `deltas` two matrices of
the widest hidden layer, used in turn.
"""

from cython cimport floating
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

from skreg._kernels.activations cimport bias_activate, bias_activate_backward
from skreg._kernels.blas cimport gemm
from skreg._kernels.dropout cimport mask_key
from skreg._kernels.losses cimport output_loss
from skreg._kernels.rows cimport csr_product, csr_transposed_product


cdef Network describe(
    const int[::1] units, const int[::1] kinds, const double[::1] rates, int loss,
    double smoothing,
) noexcept nogil:
    """Borrow the arrays: they must outlive the result."""
    cdef Network net
    cdef int layer
    net.depth = <int> kinds.shape[0]
    net.units, net.kinds, net.rates = &units[0], &kinds[0], &rates[0]
    net.loss, net.smoothing = loss, smoothing
    net.n_weights = 0
    for layer in range(net.depth):
        net.n_weights += <Py_ssize_t> units[layer] * units[layer + 1]
    return net


cdef Py_ssize_t widest_hidden(const Network* net) noexcept nogil:
    cdef Py_ssize_t widest = 0
    cdef int layer
    for layer in range(1, net.depth):
        widest = max(widest, net.units[layer])
    return widest


cdef floating* forward(
    const Network* net, Py_ssize_t rows,
    const floating* data, const int* indices, const int64_t* indptr, const int64_t* order,
    const floating* params, floating* hidden, uint64_t seed, uint64_t step,
) noexcept nogil:
    """Fill hidden and return its last block, the logits."""
    cdef const floating* a = data
    cdef const floating* w = params
    cdef const floating* b = params + net.n_weights
    cdef floating* z = hidden
    cdef Py_ssize_t fan_in, fan_out
    cdef int layer
    for layer in range(net.depth):
        fan_in, fan_out = net.units[layer], net.units[layer + 1]
        if layer == 0 and indptr != NULL:
            csr_product(data, indices, indptr, order, rows, w, fan_out, z)
        else:
            gemm(0, 0, rows, fan_out, fan_in, <floating> 1, a, fan_in, w, fan_out,
                 <floating> 0, z, fan_out)
        bias_activate(z, rows, fan_out, b, net.kinds[layer], net.rates[layer],
                      mask_key(seed, step, layer))
        a = z
        w += fan_in * fan_out
        b += fan_out
        z += rows * fan_out
    return <floating*> a


cdef void backward(
    const Network* net, Py_ssize_t rows, Py_ssize_t n_biases, floating* delta,
    const floating* data, const int* indices, const int64_t* indptr, const int64_t* order,
    const floating* params, floating* grads, floating* deltas, uint64_t seed, uint64_t step,
) noexcept nogil:
    """Add the gradient to grads; delta is delta_L and stands at the end of hidden."""
    cdef floating* a = delta
    cdef const floating* w = params + net.n_weights
    cdef floating* dw = grads + net.n_weights
    cdef floating* db = grads + net.n_weights + n_biases
    cdef floating* spare = deltas
    cdef floating one = 1
    cdef Py_ssize_t fan_in, fan_out
    cdef int layer
    for layer in range(net.depth - 1, -1, -1):
        fan_in, fan_out = net.units[layer], net.units[layer + 1]
        w -= fan_in * fan_out
        dw -= fan_in * fan_out
        db -= fan_out
        bias_activate_backward(a, delta, rows, fan_out, db, net.kinds[layer], net.rates[layer],
                               mask_key(seed, step, layer))
        if layer == 0:
            if indptr != NULL:
                csr_transposed_product(data, indices, indptr, order, rows, delta, fan_out, dw)
            else:
                gemm(1, 0, fan_in, fan_out, rows, one, data, fan_in, delta, fan_out,
                     one, dw, fan_out)
            return
        a -= rows * fan_in
        gemm(1, 0, fan_in, fan_out, rows, one, a, fan_in, delta, fan_out, one, dw, fan_out)
        gemm(0, 1, rows, fan_in, fan_out, one, delta, fan_out, w, fan_out,
             <floating> 0, spare, fan_in)
        delta, spare = spare, deltas if spare != deltas else deltas + rows * widest_hidden(net)


cdef double batch_gradient(
    const Network* net, Py_ssize_t rows,
    const floating* data, const int* indices, const int64_t* indptr, const int64_t* order,
    const int* target, const floating* weight, double scale, bint accumulate,
    const floating* params, floating* grads, floating* hidden, floating* deltas,
    uint64_t seed, uint64_t step,
) noexcept nogil:
    """Return sum_i weight_i loss_i; grads becomes (or, accumulating, gains) scale times its
    gradient. The input is a dense batch in `data`, or with `indptr` the CSR rows of `order`."""
    cdef Py_ssize_t n_biases = 0
    cdef double loss
    cdef floating* z
    cdef int layer
    for layer in range(net.depth):
        n_biases += net.units[layer + 1]
    if not accumulate:
        memset(grads, 0, (net.n_weights + n_biases) * sizeof(floating))
    z = forward(net, rows, data, indices, indptr, order, params, hidden, seed, step)
    loss = output_loss(
        net.loss, z, rows, net.units[net.depth], target, weight, scale, net.smoothing
    )
    backward(net, rows, n_biases, z, data, indices, indptr, order, params, grads, deltas,
             seed, step)
    return loss


def loss_gradient(
    const floating[:, ::1] X, const floating[::1] data, const int[::1] indices,
    const int64_t[::1] indptr, const int64_t[::1] order,
    const int[:, ::1] targets, const floating[::1] weight,
    const int[::1] units, const int[::1] kinds, const double[::1] rates, int loss,
    double smoothing, double scale, bint accumulate,
    const floating[::1] params, floating[::1] grads,
    floating[::1] hidden, floating[::1] deltas, uint64_t seed, uint64_t step,
):
    """The batch gradient for the rows of X in their order, or the CSR rows that `order` names."""
    cdef Network net = describe(units, kinds, rates, loss, smoothing)
    cdef bint sparse = indptr.shape[0] > 0
    cdef double result
    with nogil:
        result = batch_gradient(
            &net, targets.shape[0], &data[0] if sparse else &X[0, 0],
            &indices[0] if sparse else NULL, &indptr[0] if sparse else NULL,
            &order[0] if sparse else NULL, &targets[0, 0], &weight[0], scale, accumulate,
            &params[0], &grads[0], &hidden[0], &deltas[0], seed, step,
        )
    return result
