"""Schedules: hyperparameters that change in the course of training.

A schedule is any function f(t) of the number t = 0, 1, 2, ... of updates done so far; one batch
is one update. The ready ones are here. Their parameters are fixed when they are made, they can be
cloned, pickled and compared, and f(t) is a float for a number t and an array for an array.

Some need a horizon, `n_steps`: the planned number of updates of the training. Leave it None, and
:meth:`Schedule.over` fills it in.
"""

from dataclasses import KW_ONLY, dataclass, replace
from math import isfinite
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np

from skreg._validation import Interval, StrOptions

__all__ = [
    "Constant",
    "CosLog4",
    "Cosine",
    "Cyclic",
    "LinearWarmup",
    "OneCycle",
    "PowerLaw",
    "Schedule",
    "Step",
    "resolve",
    "values",
]

NON_NEGATIVE = Interval(Real, 0, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
AT_LEAST_1 = Interval(Real, 1, None, closed="left")
SHARE = Interval(Real, 0, 1, closed="left")
COUNT = Interval(Integral, 1, None, closed="left")


@dataclass(frozen=True)
class Schedule:
    """What the ready schedules share: a horizon that can be filled in, and f(t) for arrays.

    Examples
    --------
    >>> from skreg.schedules import Cosine, Schedule
    >>> isinstance(Cosine(0.1), Schedule)
    True
    """

    _constraints: ClassVar[dict] = {}

    def __post_init__(self):
        for name, allowed in self._constraints.items():
            _check(name, getattr(self, name), allowed)
        if getattr(self, "n_steps", None) is not None:
            _check("n_steps", self.n_steps, COUNT)

    def over(self, n_steps):
        """The schedule for a training of n_steps updates.

        Parameters
        ----------
        n_steps : int
            Planned number of updates, at least 1.

        Returns
        -------
        f : Schedule
            The same schedule, with `n_steps` where it was None.

        Raises
        ------
        ValueError
            If n_steps is not a positive integer, or too small for the schedule.
        """
        _check("n_steps", n_steps, COUNT)
        if getattr(self, "n_steps", n_steps) is None:
            return replace(self, n_steps=n_steps)
        return self

    def __call__(self, t):
        """The value after t updates.

        Parameters
        ----------
        t : int or array-like of int
            Updates done so far, at least 0.

        Returns
        -------
        value : float or ndarray of float64 of t's shape
            The value for each t.

        Raises
        ------
        ValueError
            If t is negative or no finite number, or the schedule lacks its horizon.
        """
        steps = np.asarray(t)
        if steps.dtype.kind not in "iuf" or not (np.isfinite(steps) & (steps >= 0)).all():
            raise ValueError(f"t must count updates, in finite numbers of at least 0; got {t!r}")
        flat = steps.ravel().astype(np.float64 if steps.dtype.kind == "f" else np.int64)
        found = self._at(flat).astype(np.float64, copy=False)
        return found.reshape(steps.shape) if steps.ndim else float(found[0])

    def _horizon(self):
        """n_steps, or an error where nobody has said it."""
        if self.n_steps is None:
            name = type(self).__name__
            raise ValueError(
                f"{name} needs the planned number of updates: pass {name}(..., n_steps=...), or "
                "call its over(n_steps) first."
            )
        return self.n_steps


@dataclass(frozen=True)
class Constant(Schedule):
    """Always the same value, f(t) = value.

    Parameters
    ----------
    value : float
        The value, in [0, inf).

    Raises
    ------
    ValueError
        For a parameter out of its range.

    Examples
    --------
    >>> from skreg.schedules import Constant
    >>> Constant(0.1)([0, 10]).tolist()
    [0.1, 0.1]
    """

    value: float

    _constraints: ClassVar = {"value": NON_NEGATIVE}

    def _at(self, t):
        return np.full(t.shape, self.value)


@dataclass(frozen=True)
class Step(Schedule):
    """Multiplied by a factor once in a while.

    f(t) = initial * factor^floor(t / every).

    Parameters
    ----------
    initial : float
        Value at t = 0, in [0, inf).
    factor : float, default=0.1
        What the value is multiplied by, in (0, 1].
    every : int
        Updates between two drops, at least 1.

    Raises
    ------
    ValueError
        For a parameter out of its range.

    Examples
    --------
    >>> from skreg.schedules import Step
    >>> Step(8.0, factor=0.5, every=10)([0, 9, 10, 25]).tolist()
    [8.0, 8.0, 4.0, 2.0]
    """

    initial: float
    _: KW_ONLY
    factor: float = 0.1
    every: int

    _constraints: ClassVar = {
        "initial": NON_NEGATIVE,
        "factor": Interval(Real, 0, 1, closed="right"),
        "every": COUNT,
    }

    def _at(self, t):
        return self.initial * self.factor ** (t // self.every)


@dataclass(frozen=True)
class PowerLaw(Schedule):
    """Falls like a power of time.

    f(t) = initial / (1 + t / tau)^a. For 1/2 < a <= 1 the steps have an infinite sum and their
    squares a finite one, which is what stochastic approximation asks for [1]_.

    Parameters
    ----------
    initial : float
        Value at t = 0, in [0, inf).
    a : float, default=0.5
        Exponent, in [0, inf).
    tau : float
        Number of updates after which the value has fallen to initial / 2^a, in (0, inf).

    Raises
    ------
    ValueError
        For a parameter out of its range.

    References
    ----------
    .. [1] H. Robbins, S. Monro, "A Stochastic Approximation Method", Ann. Math. Stat. 22 (1951).

    Examples
    --------
    >>> from skreg.schedules import PowerLaw
    >>> PowerLaw(1.0, tau=100)([0, 300, 9900]).tolist()
    [1.0, 0.5, 0.1]
    """

    initial: float
    _: KW_ONLY
    a: float = 0.5
    tau: float

    _constraints: ClassVar = {"initial": NON_NEGATIVE, "a": NON_NEGATIVE, "tau": POSITIVE}

    def _at(self, t):
        return self.initial * (1 + t / self.tau) ** -self.a


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine from the first value to the last, once or with warm restarts.

    In a cycle that begins at b and takes T updates,

        f(t) = final + (initial - final) / 2 * (1 + cos(pi (t - b) / T)),

    and the next cycle, `cycle_growth` times as long, begins at `initial` again [1]_. The cycles
    fill n_steps together; each begins at a whole update. From t = n_steps on the value is
    `final`.

    Parameters
    ----------
    initial : float
        Value at the beginning of each cycle, in [0, inf).
    final : float, default=0.0
        Value at the end of each cycle, in [0, inf).
    n_steps : int, default=None
        Planned number of updates, at least n_cycles.
    n_cycles : int, default=1
        Number of cycles, at least 1.
    cycle_growth : float, default=1.0
        Length of a cycle over that of the one before, in [1, inf).

    Raises
    ------
    ValueError
        For a parameter out of its range.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
       ICLR (2017).

    Examples
    --------
    >>> from skreg.schedules import Cosine
    >>> print(Cosine(1.0).over(30)([0, 10, 15, 20, 30]).round(3))
    [1.   0.75 0.5  0.25 0.  ]
    >>> print(Cosine(1.0, n_cycles=2, cycle_growth=2).over(30)([0, 5, 10, 20]).round(3))
    [1.  0.5 1.  0.5]
    """

    initial: float
    _: KW_ONLY
    final: float = 0.0
    n_steps: int | None = None
    n_cycles: int = 1
    cycle_growth: float = 1.0

    _constraints: ClassVar = {
        "initial": NON_NEGATIVE,
        "final": NON_NEGATIVE,
        "n_cycles": COUNT,
        "cycle_growth": AT_LEAST_1,
    }

    def __post_init__(self):
        super().__post_init__()
        if self.n_steps is not None and self.n_steps < self.n_cycles:
            raise ValueError(
                f"n_cycles={self.n_cycles} are more than the {self.n_steps} updates: lower "
                "n_cycles, or train longer."
            )

    def _at(self, t):
        # The longest cycle counts as 1, so that powers can underflow but never overflow.
        lengths = float(self.cycle_growth) ** np.arange(1.0 - self.n_cycles, 1)
        ends = np.cumsum(lengths)
        ends = np.round(self._horizon() * ends / ends[-1])
        begins = np.r_[0, ends[:-1]]
        cycle = np.minimum(np.searchsorted(ends, t, side="right"), self.n_cycles - 1)
        share = (t - begins[cycle]) / (ends - begins)[cycle]
        return _ease(self.initial, self.final, np.minimum(share, 1))


@dataclass(frozen=True)
class LinearWarmup(Schedule):
    """A straight line up to another schedule.

    With w the number of updates of the warm-up and g the schedule after it,

        f(t) = start + (g(0) - start) t / w  for t < w,  g(t - w) from then on.

    A learning rate that would throw a new network off can be reached this way [1]_.

    Parameters
    ----------
    after : float, Schedule or callable
        What follows. The clock of a schedule or function starts when the warm-up ends, and a
        horizon that it lacks is what the warm-up leaves of n_steps.
    n_warmup : int or float
        An int of at least 0 is the number of updates of the warm-up; it must be less than
        n_steps. A float in [0, 1) is its share of n_steps, rounded to whole updates.
    start : float, default=0.0
        Value at t = 0, in [0, inf).
    n_steps : int, default=None
        Planned number of updates, those of the warm-up included.

    Raises
    ------
    ValueError
        For a parameter out of its range.

    References
    ----------
    .. [1] P. Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour",
       arXiv:1706.02677 (2017).

    Examples
    --------
    >>> from skreg.schedules import Cosine, LinearWarmup
    >>> f = LinearWarmup(Cosine(1.0), 0.2).over(50)
    >>> f([0, 5, 10, 30, 50]).round(3).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    after: Any
    n_warmup: float
    _: KW_ONLY
    start: float = 0.0
    n_steps: int | None = None

    _constraints: ClassVar = {"start": NON_NEGATIVE}

    def __post_init__(self):
        super().__post_init__()
        resolve(self.after, name="after")
        whole = isinstance(self.n_warmup, Integral)
        allowed = Interval(Integral, 0, None, closed="left") if whole else SHARE
        advice = "; a float is a share of the updates, an int their number"
        _check("n_warmup", self.n_warmup, allowed, advice)
        if self.n_steps is not None:
            self._parts()  # fit together, or fail here

    def _parts(self):
        """The number of updates of the warm-up, and the function after it."""
        n_warmup = self.n_warmup
        if not isinstance(n_warmup, Integral):
            n_warmup = min(round(n_warmup * self._horizon()), self._horizon() - 1)
        if self.n_steps is None:
            return n_warmup, resolve(self.after, name="after")
        if n_warmup >= self.n_steps:
            raise ValueError(
                f"n_warmup={n_warmup} leaves none of the {self.n_steps} updates for what comes "
                "after: lower it, or give a share of the updates, for example 0.1."
            )
        return n_warmup, resolve(self.after, self.n_steps - n_warmup, "after")

    def _at(self, t):
        n_warmup, after = self._parts()
        found, rising = np.empty(t.shape), t < n_warmup
        found[~rising] = _evaluate(after, t[~rising] - n_warmup, "after")
        if rising.any():
            goal = _evaluate(after, np.zeros(1, int), "after")
            found[rising] = _blend(self.start, goal, t[rising] / n_warmup)
        return found


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up to a large value, then down to a far smaller one: the one-cycle policy.

    Both ways are half a cosine: from peak / initial_div to `peak` in the first `rise` of n_steps,
    then to peak / final_div, which it reaches and keeps at t = n_steps. The large learning rate
    of the middle regularizes; weight decay and dropout may need less strength beside it [1]_.

    Parameters
    ----------
    peak : float
        The largest value, in [0, inf).
    initial_div : float, default=25.0
        The peak over the value at t = 0, in [1, inf).
    final_div : float, default=10000.0
        The peak over the last value, in [1, inf).
    rise : float, default=0.3
        Share of n_steps on the way up, in (0, 1).
    n_steps : int, default=None
        Planned number of updates.

    Raises
    ------
    ValueError
        For a parameter out of its range.

    References
    ----------
    .. [1] L. N. Smith, N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using
       Large Learning Rates", arXiv:1708.07120 (2018).

    Examples
    --------
    >>> from skreg.schedules import OneCycle
    >>> OneCycle(1.0, initial_div=10).over(100)([0, 15, 30, 65, 100]).round(4).tolist()
    [0.1, 0.55, 1.0, 0.5, 0.0001]
    """

    peak: float
    _: KW_ONLY
    initial_div: float = 25.0
    final_div: float = 1e4
    rise: float = 0.3
    n_steps: int | None = None

    _constraints: ClassVar = {
        "peak": NON_NEGATIVE,
        "initial_div": AT_LEAST_1,
        "final_div": AT_LEAST_1,
        "rise": Interval(Real, 0, 1, closed="neither"),
    }

    def _at(self, t):
        share = np.minimum(t / self._horizon(), 1)
        first, last = self.peak / self.initial_div, self.peak / self.final_div
        up = _ease(first, self.peak, share / self.rise)
        down = _ease(self.peak, last, (share - self.rise) / (1 - self.rise))
        return np.where(share < self.rise, up, down)


@dataclass(frozen=True)
class Cyclic(Schedule):
    """Up and down between two values, over and over: cyclical learning rates.

    f(t) = low + (high - low) h(t / period), where h has period 1, h(0) = 0 and h(1/2) = 1.

    Parameters
    ----------
    low : float
        Smallest value, the one at t = 0, in [0, inf).
    high : float
        Largest value, at least low.
    period : int
        Updates from low to low, at least 2. Smith [1]_ advises 4 to 20 epochs.
    shape : {'triangle', 'triangle2', 'cosine'}, default='triangle'
        The wave h.

        - 'triangle': straight lines.
        - 'triangle2': straight lines to a height that halves after each period.
        - 'cosine': (1 - cos(2 pi t / period)) / 2.

    Raises
    ------
    ValueError
        For a parameter out of its range.

    References
    ----------
    .. [1] L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", WACV (2017).

    Examples
    --------
    >>> from skreg.schedules import Cyclic
    >>> Cyclic(1.0, 3.0, period=4)(range(6)).tolist()
    [1.0, 2.0, 3.0, 2.0, 1.0, 2.0]
    """

    low: float
    high: float
    _: KW_ONLY
    period: int
    shape: str = "triangle"

    _constraints: ClassVar = {
        "low": NON_NEGATIVE,
        "high": NON_NEGATIVE,
        "period": Interval(Integral, 2, None, closed="left"),
        "shape": StrOptions({"triangle", "triangle2", "cosine"}),
    }

    def __post_init__(self):
        super().__post_init__()
        if self.high < self.low:
            raise ValueError(f"high must be at least low={self.low!r}; got {self.high!r}")

    def _at(self, t):
        phase = t % self.period / self.period
        if self.shape == "cosine":
            return _ease(self.low, self.high, 2 * phase)
        height = 1 - np.abs(2 * phase - 1)
        if self.shape == "triangle2":
            height *= 0.5 ** (t // self.period)
        return _blend(self.low, self.high, height)


@dataclass(frozen=True)
class CosLog4(Schedule):
    """Four cycles of growing length, for small data: the schedule of RealMLP.

    f(t) = initial / 2 * (1 - cos(2 pi log2(1 + 15 t / n_steps))), and 0 from t = n_steps on. It
    vanishes at t = 0, n_steps / 15, n_steps / 5, 7 n_steps / 15 and n_steps, so that early
    stopping finds the end of a cycle at several times [1]_.

    Parameters
    ----------
    initial : float
        The largest value, in [0, inf).
    n_steps : int, default=None
        Planned number of updates.

    Raises
    ------
    ValueError
        For a parameter out of its range.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by Default: Strong Pre-Tuned MLPs
       and Boosted Trees on Tabular Data", NeurIPS (2024).

    Examples
    --------
    >>> from skreg.schedules import CosLog4
    >>> CosLog4(1.0).over(15)([0, 1, 2, 3, 5, 7, 15]).round(2).tolist()
    [0.0, 0.0, 0.93, 0.0, 0.93, 0.0, 0.0]
    """

    initial: float
    _: KW_ONLY
    n_steps: int | None = None

    _constraints: ClassVar = {"initial": NON_NEGATIVE}

    def _at(self, t):
        cycles = np.log2(1 + 15 * np.minimum(t / self._horizon(), 1))
        return _ease(0.0, self.initial, 2 * cycles)


def resolve(value, n_steps=None, name="value"):
    """The function of t that a hyperparameter stands for.

    Parameters
    ----------
    value : float, Schedule or callable
        The hyperparameter, constant if a number.
    n_steps : int, default=None
        Planned number of updates; None where nobody knows it, so that a schedule has to bring its
        horizon.
    name : str, default='value'
        Name of the hyperparameter, for errors.

    Returns
    -------
    f : callable
        The value for each t, to be read with :func:`values`.

    Raises
    ------
    TypeError
        If value is neither a number nor callable.
    ValueError
        If it is a number outside [0, inf), or the schedule cannot fill n_steps.

    Examples
    --------
    >>> from skreg.schedules import Cosine, resolve
    >>> resolve(0.1, 50)
    Constant(value=0.1)
    >>> resolve(Cosine(0.1), 50)
    Cosine(initial=0.1, final=0.0, n_steps=50, n_cycles=1, cycle_growth=1.0)
    """
    if isinstance(value, Schedule):
        return value if n_steps is None else value.over(n_steps)
    if callable(value):
        return value
    if not isinstance(value, Real):
        raise TypeError(
            f"{name} must be a number, a schedule or a function of t; got {value!r}. For a "
            "schedule see skreg.schedules, for example Cosine(0.1)."
        )
    _check(name, value, NON_NEGATIVE)
    return Constant(value)


def values(f, start, stop, name="schedule"):
    """The values of a schedule for t = start, ..., stop - 1.

    Parameters
    ----------
    f : callable
        Function of t. A :class:`Schedule` is called once, another function once for each t.
    start, stop : int
        The first t, and the first beyond the last.
    name : str, default='schedule'
        Name of the hyperparameter, for errors.

    Returns
    -------
    values : ndarray of float64 of shape (stop - start,)
        f(t).

    Raises
    ------
    ValueError
        If a value is not a finite real number.

    Examples
    --------
    >>> from skreg.schedules import values
    >>> values(lambda t: 1 / (t + 1), 0, 4).round(2).tolist()
    [1.0, 0.5, 0.33, 0.25]
    """
    return _evaluate(f, np.arange(start, stop), name)


def _evaluate(f, t, name):
    """f for each t of an array, where f may know numbers only."""
    if isinstance(f, Schedule):
        return f(t)
    found = np.empty(t.shape)
    for i, step in enumerate(t.tolist()):
        value = f(step)
        if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
            raise ValueError(
                f"{name}: {f!r} returned {value!r} for t={step}; return a finite number for every "
                "t."
            )
        found[i] = value
    return found


def _blend(a, b, share):
    """A straight line: exactly a at share = 0, exactly b at 1, nothing below both."""
    return (1 - share) * a + share * b


def _ease(a, b, share):
    """Half a cosine from a to b: flat at share = 0 and at 1; share = 2 is a again."""
    return _blend(a, b, (1 - np.cos(np.pi * share)) / 2)


def _check(name, value, allowed, advice=""):
    """Raise where a parameter is not allowed; True and False are no numbers."""
    if isinstance(value, bool) or not allowed.is_satisfied_by(value):
        raise ValueError(f"{name} must be {allowed}; got {value!r}{advice}")
