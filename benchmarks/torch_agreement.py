"""The parameters of a trained perceptron beside PyTorch's: one start, 50 steps, every update rule.

    python benchmarks/torch_agreement.py

Needs PyTorch (pip install torch). Every rule trains a network on every loss in float64, all rows
in one batch. The largest difference of a parameter after the last step is given relative to the
longest way that any has gone from the start; the exit status is 1 where it exceeds 1e-8.

PyTorch's side is its autograd, its losses and its optimizers, with these conventions:

- `alpha` is a part of the loss, alpha / (2 n) times the sum of the squared weights;
- `weight_decay` is the optimizer's own, for weights and not for biases;
- SGD keeps the learning rate out of the velocity, the same while the rate is constant;
- label smoothing spreads eps_K over all K classes, so that eps_K = eps K / (K - 1);
- sharpness-aware minimization (Foret, Kleiner, Mobahi and Neyshabur, ICLR 2021) and its adaptive
  form (Kwon, Kim, Park and Choi, ICML 2021), which PyTorch lacks, are written here; they climb
  along the gradient of the loss of the data alone, and that of alpha joins it afterwards.
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional

import skreg

LIMIT = 1e-8
STEPS = 50
WIDTH = 120  # of a table in a file or pipe
HIDDEN = (12, 7)
ALPHA, SMOOTHING = 0.5, 0.1
ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "logistic": torch.sigmoid}


class Rule(NamedTuple):
    """An update rule: skreg's parameters, and PyTorch's optimizer with its options."""

    ours: dict
    optimizer: type[torch.optim.Optimizer]
    options: dict


class Case(NamedTuple):
    """A loss with data: skreg's estimator, and PyTorch's loss of the output layer."""

    estimator: type
    activation: str
    X: np.ndarray
    y: np.ndarray
    loss: Callable  # of outputs and targets, the mean over rows
    smoothing: float = 0.0

    def model(self, **parameters):
        """An estimator that trains on all rows at once; smoothing is a classifier's."""
        smoothing = {"label_smoothing": self.smoothing} if self.smoothing else {}
        return self.estimator(
            hidden_layer_sizes=HIDDEN,
            activation=self.activation,
            batch_size=len(self.X),
            shuffle=False,
            random_state=0,
            **smoothing,
            **parameters,
        )

    def train(self, model, steps):
        """Return weight matrices and biases after so many steps of an estimator."""
        classes = {"classes": np.unique(self.y)} if hasattr(model, "predict_proba") else {}
        for _ in range(steps):
            model.partial_fit(self.X, self.y, **classes)
        return [array.copy() for array in (*model.coefs_, *model.intercepts_)]


def rules():
    """Return the update rules by name, with the coupled penalty unless the name denies it."""
    sgd = {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.9}
    heavy_ball, nesterov = ({**sgd, "nesterovs_momentum": on} for on in (False, True))
    adam = {"solver": "adam", "learning_rate_init": 0.01}
    adamw = {"solver": "adamw", "learning_rate_init": 0.01, "weight_decay": 0.3}
    in_torch = {"lr": 0.1, "momentum": 0.9}
    found = {
        "SGD, momentum": Rule(heavy_ball, torch.optim.SGD, in_torch),
        "SGD, Nesterov": Rule(nesterov, torch.optim.SGD, {**in_torch, "nesterov": True}),
        "Adam": Rule(adam, torch.optim.Adam, {"lr": 0.01}),
        "AdamW": Rule(adamw, torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.3}),
    }
    found = {
        name: rule._replace(ours={"alpha": ALPHA, **rule.ours}) for name, rule in found.items()
    }
    for name, rule in list(found.items()):
        sharp = {**rule.ours, "sam_rho": 0.05}
        found[f"SAM, {name}"] = rule._replace(ours=sharp)
        found[f"adaptive SAM, {name}"] = rule._replace(ours={**sharp, "sam_adaptive": True})
    for name in ("AdamW", "SAM, AdamW"):
        found[f"{name}, no alpha"] = found[name]._replace(ours={**found[name].ours, "alpha": 0.0})
    return found


def cases(n=150, n_features=8, seed=0):
    """Return losses with data by name."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, n_features))
    scores = X @ rng.standard_normal((n_features, 4)) + rng.standard_normal((n, 4))
    four, two = scores.argmax(axis=1), (scores[:, 0] > 0).astype(np.int64)
    found = {}
    for smoothing in (0.0, SMOOTHING):
        name = ", smoothed" if smoothing else ""
        found["softmax" + name] = Case(
            skreg.MLPClassifier, "relu", X, four, softmax_loss(smoothing * 4 / 3), smoothing
        )
        found["logistic" + name] = Case(
            skreg.MLPClassifier, "tanh", X, two, logistic_loss(smoothing * 2), smoothing
        )
    found["squared error"] = Case(skreg.MLPRegressor, "logistic", X, scores[:, :3], squared_error)
    return found


def softmax_loss(smoothing):
    """PyTorch's cross-entropy, with its own label smoothing."""
    return lambda outputs, y: functional.cross_entropy(outputs, y, label_smoothing=smoothing)


def logistic_loss(smoothing):
    """PyTorch's logistic loss; it has no label smoothing, so the targets have."""
    return lambda outputs, y: functional.binary_cross_entropy_with_logits(
        outputs.ravel(), (1 - smoothing) * y.double() + smoothing / 2
    )


def squared_error(outputs, y):
    """Half the squared error, summed over outputs."""
    return (outputs - y).square().sum(dim=1).mean() / 2


def with_skreg(case, rule):
    """Return weight matrices and biases at the start and after the last step."""
    # A rate this small changes no digit, so one step gives the start.
    still = case.model(solver="sgd", learning_rate_init=1e-300, momentum=0.0)
    return case.train(still, 1), case.train(case.model(**rule.ours), STEPS)


def with_torch(case, rule, start):
    """Return weight matrices and biases after the last step of PyTorch's optimizer."""
    parameters = [torch.tensor(array, requires_grad=True) for array in start]
    weights, biases = parameters[: len(start) // 2], parameters[len(start) // 2 :]
    X, y = torch.tensor(case.X), torch.tensor(case.y)
    activation = ACTIVATIONS[case.activation]
    sam = rule.ours.get("sam_rho"), rule.ours.get("sam_adaptive", False)

    def gradient():
        """Leave the gradient of the loss in the parameters."""
        outputs = X @ weights[0] + biases[0]
        for weight, bias in zip(weights[1:], biases[1:], strict=True):
            outputs = activation(outputs) @ weight + bias
        optimizer.zero_grad()
        case.loss(outputs, y).backward()

    groups = [{"params": weights}, {"params": biases, "weight_decay": 0.0}]
    optimizer = rule.optimizer(groups, **rule.options)
    for _ in range(STEPS):
        gradient()
        if sam[0] is not None:
            sharpen(weights, biases, gradient, *sam)
        penalty = sum(weight.square().sum() for weight in weights)
        (rule.ours["alpha"] / (2 * len(X)) * penalty).backward()  # adds to the gradient
        optimizer.step()
    return [parameter.detach().numpy() for parameter in parameters]


@torch.no_grad()
def sharpen(weights, biases, gradient, rho, adaptive):
    """Replace the gradient g at w by that at w + rho T^2 g / ||T g||, over all parameters.

    T is 1 or, in the adaptive form, |w| for weights and 1 for biases.
    """
    parameters = [*weights, *biases]
    here = [parameter.clone() for parameter in parameters]
    scales = [w.abs() if adaptive else torch.ones_like(w) for w in weights]
    scales += [torch.ones_like(b) for b in biases]
    pairs = list(zip(parameters, scales, strict=True))
    norm = torch.sqrt(sum((t * p.grad).square().sum() for p, t in pairs))
    for parameter, scale in pairs:
        parameter += rho / norm * scale**2 * parameter.grad
    with torch.enable_grad():
        gradient()
    for parameter, value in zip(parameters, here, strict=True):
        parameter.copy_(value)


def difference(case, rule):
    """Return the largest difference, relative to the longest way from the start."""
    start, ours = with_skreg(case, rule)
    theirs = with_torch(case, rule, start)
    start, ours, theirs = (np.concatenate([*map(np.ravel, p)]) for p in (start, ours, theirs))
    return float(np.abs(ours - theirs).max() / np.abs(theirs - start).max())


def main(console=None):
    console = console or Console(width=None if sys.stdout.isatty() else WIDTH)
    losses = cases()
    title = f"largest difference to PyTorch after {STEPS} steps, relative to the longest way"
    table = Table("update", title=title, title_justify="left")
    for name in losses:
        table.add_column(name, justify="right")
    worst = 0.0
    for name, rule in rules().items():
        found = [difference(case, rule) for case in losses.values()]
        worst = np.maximum(worst, np.max(found))  # which a NaN goes through
        table.add_row(name, *(f"{value:.0e}" for value in found))
    console.print(table)
    console.print(f"largest of all: {worst:.1e}; limit {LIMIT:.0e}")
    return int(not worst <= LIMIT)


if __name__ == "__main__":
    sys.exit(main())
