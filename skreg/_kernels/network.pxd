from cython cimport floating
from libc.stdint cimport int64_t, uint64_t

from skreg._kernels.team cimport Crew

cdef struct Network:
    int depth  # number of weight matrices
    const int* units  # depth + 1 widths, inputs first
    const int* kinds  # depth activations, the last one identity
    int loss
    double smoothing
    const double* level  # of the loss, one number an output
    Py_ssize_t n_weights  # weights lie before biases in the parameter vector
    Py_ssize_t n_parameters

# All floating buffers have the type of the parameters. Layers lie one after the other, each
# rows x units, so that nothing has to move where the last batch is short.
cdef struct Batch:
    Py_ssize_t rows
    const char* source  # dense X, whose rows `order` go to inputs; NULL: they are there
    Py_ssize_t row_stride
    Py_ssize_t column_stride
    const int64_t* order
    void* inputs  # a_0, or NULL where the CSR triple holds it
    void* data
    int* indices
    int64_t* indptr
    void* outputs  # a_1 ... a_L; a_L turns into delta_L
    void* slopes  # da/dz of a_1 ... a_{L-1}
    void* deltas  # delta_1 ... delta_{L-1}
    void* turned  # room for a transposed layer
    void* target
    void* weight
    const double* rates  # dropout of a_0 ... a_{L-1}
    uint64_t seed
    uint64_t step
    double scale  # of the gradient

# What is cut into tasks, and how, does not depend on the number of threads: so neither does a bit
# of the result.
cdef struct Plan:
    Crew* crew
    Py_ssize_t chunk  # rows that go forward and backward together
    const int64_t* tasks  # (layer, start, stop): rows of a weight matrix, for its gradient
    Py_ssize_t n_tasks
    double* partial  # one sum a chunk

cdef Network describe(
    const int[::1] units, const int[::1] kinds, int loss, double smoothing,
    const double[::1] level,
) noexcept nogil

cdef double batch_gradient(
    const Network* net, const Batch* batch, const Plan* plan,
    const floating* params, floating* grads, bint accumulate,
) noexcept nogil
