"""Forward and backward pass of a multilayer perceptron over one batch of rows.

With a_0 the batch and L weight matrices W_l of shape (units[l], units[l + 1]),

    z_{l+1} = a_l W_l + b_l,   a_{l+1} = dropout(f_l(z_{l+1})),   delta_L = d loss / d z_L
    delta_l = (delta_{l+1} W_l') * da_l/dz_l
    dW_l = a_l' delta_{l+1},   db_l = colsum(delta_{l+1})

The first two lines go row by row: chunks of rows are independent. The last one goes block by
block of dW_l: these are independent too. Threads share the chunks, then the blocks, and each
entry is a sum in one order whoever computes it.

The parameter vector holds W_0 ... W_{L-1}, then b_0 ... b_{L-1}; the gradient is laid out alike.
"""

from cython cimport floating
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset

from skreg._kernels.activations cimport activate_rows, multiply
from skreg._kernels.blas cimport gemm
from skreg._kernels.dropout cimport drop_units, mask_key
from skreg._kernels.losses cimport output_loss
from skreg._kernels.rows cimport csr_product, csr_transposed_product, gather_rows
from skreg._kernels.simd cimport cloned_void, flush_denormals, restore_denormals
from skreg._kernels.team cimport Team, share_out

cdef enum:
    SMALL_PRODUCT = 1000000  # multiply-adds up to which OpenBLAS has kernels for small matrices


cdef Network describe(
    const int[::1] units, const int[::1] kinds, int loss, double smoothing,
    const double[::1] level,
) noexcept nogil:
    """Borrow the arrays: they must outlive the result."""
    cdef Network net
    cdef int layer
    net.depth = <int> kinds.shape[0]
    net.units, net.kinds, net.level = &units[0], &kinds[0], &level[0]
    net.loss, net.smoothing = loss, smoothing
    net.n_weights = net.n_parameters = 0
    for layer in range(net.depth):
        net.n_weights += <Py_ssize_t> units[layer] * units[layer + 1]
        net.n_parameters += units[layer + 1]
    net.n_parameters += net.n_weights
    return net


cdef inline Py_ssize_t weights_before(const Network* net, int layer) noexcept nogil:
    cdef Py_ssize_t total = 0
    cdef int k
    for k in range(layer):
        total += <Py_ssize_t> net.units[k] * net.units[k + 1]
    return total


cdef inline Py_ssize_t units_before(const Network* net, int layer) noexcept nogil:
    """Number of units in layers 1 to layer - 1."""
    cdef Py_ssize_t total = 0
    cdef int k
    for k in range(1, layer):
        total += net.units[k]
    return total


cdef inline floating* layer_of(
    const Network* net, const Batch* batch, floating* layers, int layer, Py_ssize_t row,
) noexcept nogil:
    """Where that row of layer 1, 2, ... stands in outputs, slopes or deltas."""
    return layers + batch.rows * units_before(net, layer) + row * net.units[layer]


cdef inline floating* delta_of(
    const Network* net, const Batch* batch, const floating* params, int layer, Py_ssize_t row,
) noexcept nogil:
    """delta_layer from that row on; the last one has taken the place of the outputs."""
    if layer == net.depth:
        return layer_of(net, batch, <floating*> batch.outputs, layer, row)
    return layer_of(net, batch, <floating*> batch.deltas, layer, row)


cdef void forward(
    const Network* net, const Batch* batch, const floating* params,
    Py_ssize_t start, Py_ssize_t stop,
) noexcept nogil:
    """Fill rows start to stop of outputs and slopes."""
    cdef const floating* a = <const floating*> batch.inputs
    cdef const floating* w = params
    cdef const floating* b = params + net.n_weights
    cdef floating* z
    cdef floating* slope
    cdef Py_ssize_t rows = stop - start
    cdef int layer, fan_in, fan_out
    cdef bint last
    a = NULL if a == NULL else a + start * net.units[0]
    for layer in range(net.depth):
        fan_in, fan_out = net.units[layer], net.units[layer + 1]
        last = layer + 1 == net.depth
        z = layer_of(net, batch, <floating*> batch.outputs, layer + 1, start)
        slope = layer_of(net, batch, <floating*> batch.slopes, layer + 1, start)
        if a == NULL:
            csr_product(
                <const floating*> batch.data, batch.indices, batch.indptr, start, stop, w,
                fan_out, z - start * fan_out,
            )
        else:
            gemm(0, 0, <int> rows, fan_out, fan_in, <floating> 1, a, fan_in, w, fan_out,
                 <floating> 0, z, fan_out)
        activate_rows(
            z, <floating*> NULL if last else slope, rows, fan_out, b, net.kinds[layer]
        )
        if not last and batch.rates[layer + 1] > 0:
            drop_units(z, slope, rows, fan_out, mask_key(batch.seed, batch.step, layer + 1),
                       start, batch.rates[layer + 1])
        a = z
        w += <Py_ssize_t> fan_in * fan_out
        b += fan_out


cdef cloned_void transpose(
    const floating* x, Py_ssize_t rows, Py_ssize_t cols, floating* out
) noexcept nogil:
    """out = x', eight rows at a time, which makes one store of eight loads."""
    cdef Py_ssize_t i, j, k, whole = rows - rows % 8
    for i in range(0, whole, 8):
        for j in range(cols):
            for k in range(8):
                out[j * rows + i + k] = x[(i + k) * cols + j]
    for i in range(whole, rows):
        for j in range(cols):
            out[j * rows + i] = x[i * cols + j]


cdef cloned_void transpose_times(
    const floating* x, Py_ssize_t rows, Py_ssize_t cols, const floating* factor, floating* out
) noexcept nogil:
    """out = x' * factor, entry by entry, in the same way."""
    cdef Py_ssize_t i, j, k, whole = rows - rows % 8
    for i in range(0, whole, 8):
        for j in range(cols):
            for k in range(8):
                out[j * rows + i + k] = x[(i + k) * cols + j] * factor[j * rows + i + k]
    for i in range(whole, rows):
        for j in range(cols):
            out[j * rows + i] = x[i * cols + j] * factor[j * rows + i]


cdef void backward_layer(
    const Network* net, const Batch* batch, const floating* params, int layer,
    Py_ssize_t start, Py_ssize_t stop,
) noexcept nogil:
    """delta_layer = (delta_{layer+1} W') * slope for rows start to stop.

    BLAS multiplies small matrices nearly twice as fast where both stand upright, so that turning
    two layers pays; in large ones it turns them itself.
    """
    cdef int fan_in = net.units[layer], fan_out = net.units[layer + 1], rows = <int> (stop - start)
    cdef const floating* above = delta_of(net, batch, params, layer + 1, start)
    cdef const floating* w = params + weights_before(net, layer)
    cdef const floating* slope = layer_of(net, batch, <floating*> batch.slopes, layer, start)
    cdef floating* below = delta_of(net, batch, params, layer, start)
    cdef floating* upright
    cdef floating* product
    if <Py_ssize_t> rows * fan_in * fan_out <= SMALL_PRODUCT:
        upright = layer_of(net, batch, <floating*> batch.turned, layer + 1, start)
        product = layer_of(net, batch, <floating*> batch.turned, layer, start)
        transpose(above, rows, fan_out, upright)
        gemm(0, 0, fan_in, rows, fan_out, <floating> 1, w, fan_out, upright, rows,
             <floating> 0, product, rows)
        transpose_times(product, fan_in, rows, slope, below)
    else:
        gemm(0, 1, rows, fan_in, fan_out, <floating> 1, above, fan_out, w, fan_out,
             <floating> 0, below, fan_in)
        multiply(below, slope, <Py_ssize_t> rows * fan_in)


cdef double rows_pass(
    const Network* net, const Batch* batch, const floating* params,
    Py_ssize_t start, Py_ssize_t stop,
) noexcept nogil:
    """Take rows start to stop forward and backward; return their weighted sum of losses."""
    cdef int outputs = net.units[net.depth], layer
    cdef unsigned int mode = 0
    cdef double loss
    flush_denormals(mode)
    if batch.source != NULL:
        gather_rows(
            batch.source, batch.row_stride, batch.column_stride, batch.order, start, stop,
            net.units[0], <floating*> batch.inputs,
        )
        drop_units(
            <floating*> batch.inputs + start * net.units[0], <floating*> NULL, stop - start,
            net.units[0], mask_key(batch.seed, batch.step, 0), start, batch.rates[0],
        )
    forward(net, batch, params, start, stop)
    loss = output_loss(
        net.loss, layer_of(net, batch, <floating*> batch.outputs, net.depth, start),
        stop - start, outputs, <const floating*> batch.target + start * outputs,
        <const floating*> batch.weight + start, batch.scale, net.smoothing, net.level,
    )
    for layer in range(net.depth - 1, 0, -1):
        backward_layer(net, batch, params, layer, start, stop)
    restore_denormals(mode)
    return loss


cdef cloned_void add_rows(
    floating* total, const floating* x, Py_ssize_t rows, Py_ssize_t cols
) noexcept nogil:
    cdef Py_ssize_t i, j
    for i in range(rows):
        for j in range(cols):
            total[j] += x[i * cols + j]


cdef void gradient_block(
    const Network* net, const Batch* batch, const floating* params, floating* grads,
    int layer, Py_ssize_t start, Py_ssize_t stop, bint accumulate,
) noexcept nogil:
    """Rows start to stop of dW_layer; the task that has the first rows also has the biases."""
    cdef int fan_in = net.units[layer], fan_out = net.units[layer + 1]
    cdef floating* dw = grads + weights_before(net, layer)
    cdef floating* db = grads + net.n_weights + units_before(net, layer + 1)
    cdef const floating* delta = delta_of(net, batch, params, layer + 1, 0)
    cdef const floating* a = <const floating*> batch.inputs
    if layer > 0:
        a = layer_of(net, batch, <floating*> batch.outputs, layer, 0)
    if start == 0:
        if not accumulate:
            memset(db, 0, fan_out * sizeof(floating))
        add_rows(db, delta, batch.rows, fan_out)
    if a != NULL:
        gemm(1, 0, <int> (stop - start), fan_out, <int> batch.rows, <floating> 1, a + start,
             fan_in, delta, fan_out, <floating> accumulate, dw + start * fan_out, fan_out)
        return
    if not accumulate:
        memset(dw, 0, <Py_ssize_t> fan_in * fan_out * sizeof(floating))
    csr_transposed_product(
        <const floating*> batch.data, batch.indices, batch.indptr, batch.rows, delta, fan_out,
        0, fan_out, dw,
    )


cdef struct Pass:
    const Network* net
    const Batch* batch
    const Plan* plan
    const void* params
    void* grads
    bint accumulate
    bint single  # precision


cdef void rows_task(void* context, Py_ssize_t k) noexcept nogil:
    """One chunk of rows, forward and backward."""
    cdef Pass* p = <Pass*> context
    cdef Py_ssize_t start = k * p.plan.chunk, stop = min(start + p.plan.chunk, p.batch.rows)
    if p.single:
        p.plan.partial[k] = rows_pass(p.net, p.batch, <const float*> p.params, start, stop)
    else:
        p.plan.partial[k] = rows_pass(p.net, p.batch, <const double*> p.params, start, stop)


cdef void forward_task(void* context, Py_ssize_t k) noexcept nogil:
    """One chunk of rows, forward only."""
    cdef Pass* p = <Pass*> context
    cdef Py_ssize_t start = k * p.plan.chunk, stop = min(start + p.plan.chunk, p.batch.rows)
    if p.single:
        forward(p.net, p.batch, <const float*> p.params, start, stop)
    else:
        forward(p.net, p.batch, <const double*> p.params, start, stop)


cdef void gradient_task(void* context, Py_ssize_t k) noexcept nogil:
    """One block of a weight matrix."""
    cdef Pass* p = <Pass*> context
    cdef const int64_t* task = p.plan.tasks + 3 * k
    cdef unsigned int mode = 0
    flush_denormals(mode)
    if p.single:
        gradient_block(p.net, p.batch, <const float*> p.params, <float*> p.grads,
                       <int> task[0], task[1], task[2], p.accumulate)
    else:
        gradient_block(p.net, p.batch, <const double*> p.params, <double*> p.grads,
                       <int> task[0], task[1], task[2], p.accumulate)
    restore_denormals(mode)


cdef double batch_gradient(
    const Network* net, const Batch* batch, const Plan* plan,
    const floating* params, floating* grads, bint accumulate,
) noexcept nogil:
    """Return sum_i weight_i loss_i; grads becomes (or, accumulating, gains) scale times its
    gradient."""
    cdef Py_ssize_t n_chunks = (batch.rows + plan.chunk - 1) // plan.chunk, k
    cdef Pass work
    cdef double loss = 0
    work.net, work.batch, work.plan = net, batch, plan
    work.params, work.grads, work.accumulate = params, grads, accumulate
    work.single = floating is float
    share_out(plan.crew, rows_task, &work, n_chunks)
    share_out(plan.crew, gradient_task, &work, plan.n_tasks)
    for k in range(n_chunks):
        loss += plan.partial[k]
    return loss


cdef void describe_batch(
    Batch* batch, const floating[:, ::1] X, const floating[::1] data, const int[::1] indices,
    const int64_t[::1] indptr, floating[:, ::1] layers, const double[::1] rates,
):
    """Borrow the arrays of a batch, dense or (with indptr) CSR."""
    cdef bint sparse = indptr.shape[0] > 0
    batch.rows = indptr.shape[0] - 1 if sparse else X.shape[0]
    batch.source = NULL
    batch.inputs = NULL if sparse else <void*> &X[0, 0]
    batch.data = <void*> &data[0] if data.shape[0] else NULL
    batch.indices = <int*> &indices[0] if indices.shape[0] else NULL
    batch.indptr = <int64_t*> &indptr[0] if sparse else NULL
    batch.outputs, batch.slopes = &layers[0, 0], &layers[1, 0]
    batch.deltas, batch.turned = &layers[2, 0], &layers[3, 0]
    batch.rates = &rates[0]


def loss_gradient(
    const floating[:, ::1] X, const floating[::1] data, const int[::1] indices,
    const int64_t[::1] indptr, const floating[:, ::1] targets, const floating[::1] weight,
    const int[::1] units, const int[::1] kinds, const double[::1] rates, int loss,
    double smoothing, const double[::1] level, double scale, bint accumulate,
    const floating[::1] params, floating[::1] grads, floating[:, ::1] layers,
    const int64_t[:, ::1] tasks, Py_ssize_t chunk, double[::1] partial, Team team,
    uint64_t seed, uint64_t step,
):
    """The batch gradient of all rows of X, dense or (with indptr) CSR, without input dropout."""
    cdef Network net = describe(units, kinds, loss, smoothing, level)
    cdef Batch batch
    cdef Plan plan
    cdef double result
    describe_batch(&batch, X, data, indices, indptr, layers, rates)
    batch.target, batch.weight = <void*> &targets[0, 0], <void*> &weight[0]
    batch.seed, batch.step, batch.scale = seed, step, scale
    plan.crew, plan.chunk, plan.partial = &team.crew, chunk, &partial[0]
    plan.tasks, plan.n_tasks = &tasks[0, 0], tasks.shape[0]
    with nogil:
        result = batch_gradient(&net, &batch, &plan, &params[0], &grads[0], accumulate)
    return result


def block_outputs(
    const floating[:, ::1] X, const floating[::1] data, const int[::1] indices,
    const int64_t[::1] indptr, const int[::1] units, const int[::1] kinds, const double[::1] rates,
    const floating[::1] params, floating[:, ::1] layers, Py_ssize_t chunk, Team team,
    uint64_t seed, uint64_t step, floating[:, ::1] out,
):
    """out = z_L for all rows of X, with dropout of the hidden layers by seed and step."""
    cdef Network net = describe(units, kinds, 0, 0, rates)
    cdef Batch batch
    cdef Plan plan
    cdef Pass work
    describe_batch(&batch, X, data, indices, indptr, layers, rates)
    batch.seed, batch.step = seed, step
    plan.crew, plan.chunk = &team.crew, chunk
    work.net, work.batch, work.plan, work.params = &net, &batch, &plan, &params[0]
    work.single = floating is float
    with nogil:
        share_out(plan.crew, forward_task, &work, (batch.rows + chunk - 1) // chunk)
        memcpy(&out[0, 0], layer_of(&net, &batch, &layers[0, 0], net.depth, 0),
               batch.rows * out.shape[1] * sizeof(floating))
