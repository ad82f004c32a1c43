"""Networks and random rows that the tests of the perceptron's kernels and solvers share."""

from contextlib import contextmanager
from threading import Thread

import numpy as np

from skreg._kernels.team import Team
from skreg._solvers.network import Network, initial_parameters
from skreg._solvers.threads import one_blas_thread

LEVELS = {"huber": 0.8, "quantile": 0.3}  # of the losses that have one


def network(units, loss="softmax", activation="tanh", **settings):
    """A network whose hidden layers are alike, unless `activation` is a tuple of names."""
    names = (activation,) * (len(units) - 2) if isinstance(activation, str) else activation
    return Network(units, names, loss, **{"level": LEVELS.get(loss, 0.0), **settings})


def random_targets(rng, loss, rows, cols, soft=False):
    """Targets as the losses read them: probabilities of classes, counts, or any numbers."""
    if loss == "softmax":
        one_hot = np.eye(cols)[rng.integers(0, cols, rows)]
        return rng.dirichlet(np.ones(cols), rows) if soft else one_hot
    if loss == "logistic":
        return rng.random((rows, cols)) if soft else rng.integers(0, 2, (rows, cols)).astype(float)
    if loss == "poisson":
        return rng.poisson(2, (rows, cols)).astype(float)
    return 2 * rng.normal(size=(rows, cols))


def case(net, n, dtype=np.float64, seed=0, soft=False):
    """Parameters, half-empty rows, targets and weights for a network."""
    rng = np.random.default_rng(seed)
    start = np.random.RandomState(seed)
    parameters = initial_parameters(net.units, net.activations, dtype, start)
    X = rng.normal(size=(n, net.units[0])) * (rng.random((n, net.units[0])) < 0.5)
    targets = random_targets(rng, net.loss, n, net.units[-1], soft)
    weight = rng.uniform(0.1, 2, n)
    return parameters, *(a.astype(dtype) for a in (X, targets, weight))


def exact(*arrays):
    """The same numbers in float64."""
    return [np.asarray(a, np.float64) for a in arrays]


@contextmanager
def team_of(threads):
    """A team of that many threads, however many cores there are."""
    team = Team(threads - 1)
    helpers = [Thread(target=team.help) for _ in range(threads - 1)]
    with one_blas_thread():
        for helper in helpers:
            helper.start()
        try:
            yield team
        finally:
            team.close()
            for helper in helpers:
                helper.join()
