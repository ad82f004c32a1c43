"""Update rules with their memory: moments, step count, learning rate.

The step itself is compiled (`skreg._kernels.updates`, where the formulas stand). Here live the
numbers that it needs and what happens to the learning rate between epochs.
"""

from dataclasses import dataclass, field

import numpy as np

from skreg._kernels.updates import RULES

# Below this, the adaptive schedule gives up instead of dividing once more.
SMALLEST_LEARNING_RATE = 1e-6


@dataclass
class Update:
    """One rule for a vector of n parameters; `numbers` follow the learning rate in the kernel."""

    rule: str
    learning_rate_init: float
    numbers: tuple[float, ...]
    moments: np.ndarray  # one row a moment
    schedule: str = "constant"
    power_t: float = 0.5
    learning_rate: float = 0.0
    steps: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))

    def __post_init__(self):
        self.learning_rate = self.learning_rate_init

    def kernel_arguments(self):
        """What the compiled epoch reads; moments and steps are changed in place by it."""
        return {
            "rule": RULES[self.rule],
            "hyper": np.array([self.learning_rate, *self.numbers]),
            "moments": self.moments,
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


def sgd(n, dtype, *, learning_rate, momentum, nesterov, schedule, power_t):
    """Stochastic gradient descent with momentum for n parameters."""
    numbers = (momentum, float(nesterov))
    return Update("sgd", learning_rate, numbers, np.zeros((1, n), dtype), schedule, power_t)


def adam(n, dtype, *, learning_rate, beta_1, beta_2, epsilon, weight_decay=0.0):
    """Adam, or with weight_decay AdamW, for n parameters."""
    numbers = (beta_1, beta_2, epsilon, weight_decay)
    return Update("adam", learning_rate, numbers, np.zeros((2, n), dtype))
