"""exp, tanh and erf written so that the compiler vectorizes loops over them.

exp:   x = n log 2 + r with |r| <= log(2) / 2; the Taylor series of exp(r), which at this length
       is exact to the last place, times 2^n, which is put together from its bits.
tanh:  a rational function of x^2 near 0, 1 - 2 / (exp(2 |x|) + 1) elsewhere; coefficients from
       S. L. Moshier's Cephes library (1989).

erf:   x times a rational function of x^2 up to 1, 1 - exp(-x^2) times one of |x| beyond, where
       from |x| = 6 on it is 1 to the last place; coefficients from the same library.

All are within a few units in the last place (of 1 for erf), and pass NaN on. exp saturates near
the ends of the range of numbers instead of reaching 0 or infinity.
"""

from cython cimport floating
from libc.math cimport copysign, copysignf, fabs, fabsf
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy


cdef inline double exp_double(double x) noexcept nogil:
    cdef double shifted, n, r, power
    cdef uint64_t bits
    x = 709.0 if x > 709.0 else x
    x = -708.0 if x < -708.0 else x
    # Adding 1.5 * 2^52 rounds to a whole number, which then stands in the lowest bits.
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    n = shifted - 6755399441055744.0
    r = x - n * 6.93145751953125e-1
    r = r - n * 1.42860682030941723212e-6
    memcpy(&bits, &shifted, 8)
    bits = (bits << 52) + <uint64_t> 0x3FF0000000000000ULL
    memcpy(&power, &bits, 8)
    return power * (1 + r * (1 + r * (1 / 2. + r * (1 / 6. + r * (1 / 24. + r * (
        1 / 120. + r * (1 / 720. + r * (1 / 5040. + r * (1 / 40320. + r * (1 / 362880. + r * (
            1 / 3628800. + r * (1 / 39916800. + r * (1 / 479001600.
                                                     + r / 6227020800.)))))))))))))


cdef inline float exp_float(float x) noexcept nogil:
    cdef float shifted, n, r, power
    cdef uint32_t bits
    x = <float> 88.0 if x > <float> 88.0 else x
    x = <float> -87.0 if x < <float> -87.0 else x
    shifted = x * <float> 1.44269504 + <float> 12582912.0
    n = shifted - <float> 12582912.0
    r = x - n * <float> 0.693359375
    r = r + n * <float> 2.12194440e-4
    memcpy(&bits, &shifted, 4)
    bits = (bits << 23) + <uint32_t> 0x3F800000
    memcpy(&power, &bits, 4)
    return power * (1 + r * (1 + r * (<float> (1 / 2.) + r * (<float> (1 / 6.) + r * (
        <float> (1 / 24.) + r * (<float> (1 / 120.) + r * (<float> (1 / 720.)
                                                           + r * <float> (1 / 5040.))))))))


cdef inline floating exponential(floating x) noexcept nogil:
    if floating is float:
        return exp_float(x)
    else:
        return exp_double(x)


cdef inline floating hyperbolic_tangent(floating x) noexcept nogil:
    cdef floating size, square = x * x, near, far
    if floating is float:
        size = fabsf(x)
        near = x + x * square * (
            (((<float> -5.70498872745e-3 * square + <float> 2.06390887954e-2) * square
              - <float> 5.37397155531e-2) * square + <float> 1.33314422036e-1) * square
            - <float> 3.33332819422e-1
        )
        far = copysignf(1 - 2 / (exponential(2 * size) + 1), x)
        return near if size < <float> 0.625 else far
    else:
        size = fabs(x)
        near = x + x * square * (
            (-9.64399179425052238628e-1 * square - 9.92877231001918586564e1) * square
            - 1.61468768441708447952e3
        ) / (
            ((square + 1.12811678491632931402e2) * square + 2.23548839060100448583e3) * square
            + 4.84406305325125486048e3
        )
        far = copysign(1 - 2 / (exponential(2 * size) + 1), x)
        return near if size < 0.625 else far


cdef inline floating signed_like(floating size, floating x) noexcept nogil:
    if floating is float:
        return copysignf(size, x)
    else:
        return copysign(size, x)


cdef inline floating error_function(floating x) noexcept nogil:
    cdef floating square, size, near, far
    x = 6 if x > 6 else x
    x = -6 if x < -6 else x
    square, size = x * x, signed_like(x, <floating> 1)
    near = x * (
        (((<floating> 9.60497373987051638749 * square + <floating> 9.00260197203842689217e1)
          * square + <floating> 2.23200534594684319226e3) * square
         + <floating> 7.00332514112805075473e3) * square + <floating> 5.55923013010394962768e4
    ) / (
        ((((square + <floating> 3.35617141647503099647e1) * square
           + <floating> 5.21357949780152679795e2) * square
          + <floating> 4.59432382970980127987e3) * square
         + <floating> 2.26290000613890934246e4) * square + <floating> 4.92673942608635921086e4
    )
    far = exponential(-square) * (
        (((((((<floating> 2.46196981473530512524e-10 * size
               + <floating> 5.64189564831068821977e-1) * size
              + <floating> 7.46321056442269912687) * size
             + <floating> 4.86371970985681366614e1) * size
            + <floating> 1.96520832956077098242e2) * size
           + <floating> 5.26445194995477358631e2) * size
          + <floating> 9.34528527171957607540e2) * size
         + <floating> 1.02755188689515710272e3) * size + <floating> 5.57535335369399327526e2
    ) / (
        (((((((size + <floating> 1.32281951154744992508e1) * size
              + <floating> 8.67072140885989742329e1) * size
             + <floating> 3.54937778887819891062e2) * size
            + <floating> 9.75708501743205489753e2) * size
           + <floating> 1.82390916687909736289e3) * size
          + <floating> 2.24633760818710981792e3) * size
         + <floating> 1.65666309194161350182e3) * size + <floating> 5.57535340817727675546e2
    )
    return near if size < 1 else signed_like(1 - far, x)
