"""What a training by epochs is told, what it has seen, and all that it changes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from skreg._solvers.history import History
from skreg._solvers.network import Network
from skreg._solvers.spectral_norms import bound_spectral_norms, singular_vectors
from skreg._solvers.updates import Numbers, Update


class Recipe(NamedTuple):
    """What stays as it is during a training."""

    network: Network
    batch_size: int
    max_iter: int
    numbers: Numbers = Numbers()
    shuffle: bool = True
    tol: float = 1e-4
    patience: float = 10
    max_norm: float = 0.0  # of the gradient; 0 is no limit
    sam_rho: float = 0.0
    sam_adaptive: bool = False
    spectral: str | None = None  # "cap" or "normalize"
    cap: float = 1.0
    average: str | None = None  # "ema" or "swa"
    average_start: int = 0  # epochs before the average of "swa" begins
    augment: Callable | None = None
    record: frozenset = frozenset()
    seed: int = 0  # of the dropout masks


@dataclass
class Progress:
    """What training has seen so far; it outlives one call, for warm starts."""

    loss_curve: list = field(default_factory=list)
    best_loss: float | None = np.inf
    validation_scores: list | None = None
    best_score: float | None = None
    best_epoch: int = 0
    earlier: int = 0  # epochs of the fits before
    stalled: int = 0  # epochs since the last progress
    samples_seen: int = 0
    history: History = field(default_factory=History)

    def watch_scores(self, watch):
        """Judge by validation scores from now on, or by the training loss."""
        if watch and self.best_score is None:
            self.validation_scores, self.best_score, self.best_loss = [], -np.inf, None
        elif not watch and self.best_loss is None:
            self.validation_scores, self.best_score, self.best_loss = None, None, np.inf

    def begin(self):
        """A warm-started fit may learn other data: patience and the best score start anew."""
        self.stalled, self.best_epoch, self.history = 0, 0, History()
        self.earlier = len(self.loss_curve)
        if self.best_score is None:
            self.best_loss = np.inf
        else:
            self.best_score = -np.inf

    def record_loss(self, loss, tol):
        """Judge an epoch by its training loss; return whether it is the least one so far."""
        self.loss_curve.append(loss)
        if self.best_loss is None:
            return False
        self.stalled = self.stalled + 1 if loss > self.best_loss - tol else 0
        return self._is_best(loss < self.best_loss, best_loss=min(self.best_loss, loss))

    def record_score(self, score, tol):
        """Judge an epoch by its validation score; return whether it is the best one so far."""
        self.validation_scores.append(score)
        self.stalled = self.stalled + 1 if score < self.best_score + tol else 0
        return self._is_best(score > self.best_score, best_score=max(self.best_score, score))

    def _is_best(self, better, **best):
        """Note the best value, and its epoch where it is a new one."""
        vars(self).update(best)
        if better:
            self.best_epoch = self.n_epochs
        return better

    @property
    def n_epochs(self):
        """Epochs since the fit began."""
        return len(self.loss_curve) - self.earlier


@dataclass
class State:
    """All that a training changes: who restores it goes on as if nothing had happened."""

    parameters: np.ndarray
    update: Update
    order: np.ndarray  # the training rows, in the order of the last epoch
    rng: np.random.RandomState
    progress: Progress
    average: np.ndarray
    n_averaged: int
    singular: np.ndarray  # left, then right singular vectors of all layers
    best: np.ndarray | None = None  # parameters with the best score

    @classmethod
    def of(cls, recipe, parameters, update, order, rng, progress):
        """The state before the first epoch."""
        units, dtype = recipe.network.units, parameters.dtype
        singular = np.empty(0, dtype)
        if recipe.spectral:
            singular = singular_vectors(parameters, units)
            bound_spectral_norms(parameters, recipe)
        average = np.zeros(len(parameters) if recipe.average else 0, dtype)
        if recipe.average and update.steps[0]:
            # The shares count all steps: those before stand for where they led.
            average[:] = parameters
        return cls(parameters, update, order, rng, progress, average, 0, singular)

    def remembered(self):
        """What a training that goes on needs of this one."""
        nothing = np.empty(0, self.parameters.dtype)
        return replace(self, order=np.empty(0, int), singular=nothing, best=None)

    def without_moments(self):
        """The same where these have overflowed: who goes on starts from what predicts."""
        nothing = np.empty(0, self.parameters.dtype)
        return replace(self.remembered(), update=None, average=nothing, n_averaged=0)

    def learned(self):
        """The parameters that predict: an average has the zeros of what it averages."""
        if not (len(self.average) and self.n_averaged):
            return self.parameters
        return np.where(self.parameters == 0, self.parameters, self.average)

    def bounded(self, recipe):
        """The same with the norms that the recipe promises: one power iteration a step is behind
        the weights, and an average of weights has norms of its own."""
        learned = self.learned()
        if recipe.spectral:
            learned = learned.copy()
            bound_spectral_norms(learned, recipe)
        return learned
