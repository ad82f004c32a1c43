"""Update rules with their memory: moments, step count, learning rate.

The step itself is compiled (`skreg._kernels.updates`, where the formulas stand). Here live the
numbers that it needs and what happens to them from step to step and from epoch to epoch.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from skreg._kernels.training import STEP_COLUMNS
from skreg._kernels.updates import RULES

# Below this, the adaptive schedule gives up instead of dividing once more.
SMALLEST_LEARNING_RATE = 1e-6


class Numbers(NamedTuple):
    """What may change from step to step: a number, or a function (start, stop) -> array of it."""

    learning_rate: float | Callable | None = None  # None: that of the update
    alpha: float | Callable = 0.0
    weight_decay: float | Callable = 0.0
    dropout: tuple = (0.0,)  # of the inputs and of each hidden layer
    l1: float = 0.0
    average_decay: float | None = None  # of the exponential average of the parameters

    def table(self, update, n_steps):
        """The rows of the next n_steps steps: columns of `STEP_COLUMNS`, and dropout rates."""
        done = int(update.steps[0])
        start = done - update.clock
        steps = np.zeros((n_steps, len(STEP_COLUMNS)))
        columns = {name: steps[:, k] for name, k in STEP_COLUMNS.items()}
        given = {
            "learning_rate": self.rate_of(update),
            "alpha": self.alpha,
            "weight_decay": self.weight_decay,
        }
        for name, value in given.items():
            columns[name][:] = at(value, start, n_steps)
        columns["l1"][:] = self.l1
        if self.average_decay is not None:
            # The shares of an average that has no memory of where it started.
            powers = self.average_decay ** np.arange(done + 1, done + n_steps + 1)
            columns["average"][:] = (1 - self.average_decay) / (1 - powers)
        rates = np.empty((n_steps, len(self.dropout)))
        for layer, value in enumerate(self.dropout):
            rates[:, layer] = at(value, start, n_steps)
        return steps, rates

    def rate_of(self, update):
        """The learning rate: a number, a schedule, or what the update has made of it."""
        return update.learning_rate if self.learning_rate is None else self.learning_rate

    def drops(self):
        """Whether anything is ever drawn for dropout."""
        return any(callable(rate) or rate > 0 for rate in self.dropout)


def at(value, start, n_steps):
    """A number, or the values of a function at steps start, start + 1, ..."""
    return value(start, start + n_steps) if callable(value) else value


@dataclass
class Update:
    """One rule for a vector of n parameters, with the constants of the kernel."""

    rule: str
    learning_rate_init: float
    constants: tuple[float, ...]
    moments: np.ndarray  # one row a moment
    schedule: str = "constant"
    power_t: float = 0.5
    learning_rate: float = 0.0
    steps: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    clock: int = 0  # the number of steps before t = 0 of schedules: a fit begins them anew

    def last(self, value):
        """A number, or the value that a schedule had in the last step."""
        t = max(int(self.steps[0]) - self.clock - 1, 0)
        return float(value(t, t + 1)[0]) if callable(value) else value

    def __post_init__(self):
        self.learning_rate = self.learning_rate_init

    def follow(self, other):
        """Take over the numbers of another update of this rule; rates slowed down may stay so."""
        self.constants, self.power_t = other.constants, other.power_t
        settings = other.learning_rate_init, other.schedule
        if settings != (self.learning_rate_init, self.schedule):
            self.learning_rate_init, self.schedule = settings
            self.learning_rate = self.learning_rate_init

    def kernel_arguments(self):
        """What the compiled epoch reads; steps are changed in place by it, as are moments."""
        return {
            "rule": RULES[self.rule],
            "constants": np.array(self.constants, float),
            "steps": self.steps,
        }

    def epoch_ends(self, samples_seen):
        """Inverse scaling: lr = lr_init / (t + 1)^power_t, t the samples seen so far."""
        if self.schedule == "invscaling":
            self.learning_rate = self.learning_rate_init / (samples_seen + 1) ** self.power_t

    def slow_down(self):
        """After too many epochs without progress: True if a smaller rate may still help."""
        if self.schedule != "adaptive" or self.learning_rate <= SMALLEST_LEARNING_RATE:
            return False
        self.learning_rate /= 5
        return True


def sgd(n, dtype, *, learning_rate, momentum, nesterov, schedule="constant", power_t=0.5):
    """Stochastic gradient descent with momentum for n parameters."""
    constants = (momentum, float(nesterov))
    return Update("sgd", learning_rate, constants, np.zeros((1, n), dtype), schedule, power_t)


def adam(n, dtype, *, learning_rate, beta_1, beta_2, epsilon):
    """Adam for n parameters; with weight decay, AdamW."""
    return Update("adam", learning_rate, (beta_1, beta_2, epsilon), np.zeros((2, n), dtype))
