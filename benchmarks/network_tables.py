"""Small tables: perceptrons without and with regularizers beside scikit-learn's.

    python benchmarks/network_tables.py [--repeats 5] [--tables TEXT]

Five-fold cross-validation, repeated with other folds; features are standardized on the training
rows, and so is the target of a regression, for everybody. scikit-learn's and our perceptron run at
their defaults; ours with regularizers has one setting for all tables, REGULARIZED, made before
any was looked at. Standard errors are those of a mean of independent folds. "gain" is the mean
difference in score to scikit-learn on the same folds; its standard error allows for training rows
that folds share (Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52
(2003)). Seconds are the median of a fit, pipeline included, on one thread.
"""

import argparse
import sys
import time
import warnings
from statistics import median
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn import neural_network
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import skreg
from skreg.schedules import OneCycle

FOLDS = 5
WIDTH = 120  # of a table in a file or pipe
TABLES = {
    "digits": load_digits,
    "breast cancer": load_breast_cancer,
    "wine": load_wine,
    "diabetes": load_diabetes,
}
REGRESSIONS = {"diabetes"}
REGULARIZED = {
    "solver": "adamw",
    "weight_decay": 0.1,
    "dropout": 0.2,
    "max_grad_norm": 1.0,
    "batch_size": 32,
    "learning_rate": OneCycle(0.005),
    "max_iter": 100,
    "n_iter_no_change": np.inf,
}
SMOOTHING = {"label_smoothing": 0.1}  # which a classifier has, too


class Fold(NamedTuple):
    """What one model did on one fold."""

    score: float  # accuracy, or R^2
    loss: float  # log-loss, or the mean squared error
    seconds: float


def models(regression, seed):
    """Return new models by name, scikit-learn's first."""
    scaler = StandardScaler()
    if regression:
        found = {
            "scikit-learn": neural_network.MLPRegressor(random_state=seed),
            "skreg": skreg.MLPRegressor(random_state=seed),
            "skreg, regularized": skreg.MLPRegressor(random_state=seed, **REGULARIZED),
        }
        return {
            name: TransformedTargetRegressor(make_pipeline(scaler, model), transformer=scaler)
            for name, model in found.items()
        }
    found = {
        "scikit-learn": neural_network.MLPClassifier(random_state=seed),
        "skreg": skreg.MLPClassifier(random_state=seed),
        "skreg, regularized": skreg.MLPClassifier(random_state=seed, **REGULARIZED, **SMOOTHING),
    }
    return {name: make_pipeline(scaler, model) for name, model in found.items()}


def judge(model, X, y, regression):
    """Return score and loss on test rows."""
    if regression:
        return model.score(X, y), mean_squared_error(y, model.predict(X))
    proba = model.predict_proba(X).astype(np.float64)
    return model.score(X, y), log_loss(y, proba, labels=model.classes_)


def cross_validate(X, y, regression, repeats):
    """Return a list of folds for each model; they take turns on every fold."""
    kind = RepeatedKFold if regression else RepeatedStratifiedKFold
    found = {}
    splits = kind(n_splits=FOLDS, n_repeats=repeats, random_state=0).split(X, y)
    for seed, (train, test) in enumerate(splits):
        for name, model in models(regression, seed).items():
            with warnings.catch_warnings(), threadpool_limits(1):
                warnings.simplefilter("ignore")  # the defaults do not converge everywhere
                start = time.perf_counter()
                model.fit(X[train], y[train])
                seconds = time.perf_counter() - start
            fold = Fold(*judge(model, X[test], y[test], regression), seconds)
            found.setdefault(name, []).append(fold)
    return found


def mean_and_error(values, shared=0.0):
    """Return a mean and its standard error; `shared` is the ratio of test to training rows."""
    n = len(values)
    return np.mean(values), np.std(values, ddof=1) * np.sqrt(1 / n + shared)


def shown(values, form, shared=0.0):
    """The text of a mean and its standard error."""
    mean, error = mean_and_error(values, shared)
    return f"{mean:{form}} +- {error:{form.lstrip('+')}}"


def table_of(title, regression, found):
    """Return the table of one data set."""
    table = Table(title=title, title_justify="left")
    heads = ["R^2", "squared error"] if regression else ["accuracy %", "log-loss"]
    for head in ["model", heads[0], "gain", heads[1], "seconds"]:
        table.add_column(head, justify="left" if head == "model" else "right")
    factor = 1 if regression else 100
    form, loss_form = (".3f", ".0f") if regression else (".2f", ".3f")
    base = np.array([fold.score for fold in next(iter(found.values()))])
    for name, folds in found.items():
        score = np.array([fold.score for fold in folds])
        gain = factor * (score - base)
        table.add_row(
            name,
            shown(factor * score, form),
            shown(gain, "+" + form, 1 / (FOLDS - 1)) if np.any(gain) else "",
            shown([fold.loss for fold in folds], loss_form),
            f"{median(fold.seconds for fold in folds):.3f}",
        )
    return table


def main(arguments=None, console=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5, help="of the cross-validation")
    parser.add_argument("--tables", default="", metavar="TEXT", help="only those named with TEXT")
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error(f"--repeats must be at least 1; got {options.repeats}")
    console = console or Console(width=None if sys.stdout.isatty() else WIDTH)
    for name in (name for name in TABLES if options.tables in name):
        X, y = TABLES[name](return_X_y=True)
        regression = name in REGRESSIONS
        found = cross_validate(X, y, regression, options.repeats)
        n, p = X.shape
        title = f"{name} ({n:,} x {p}), {options.repeats} x {FOLDS} folds"
        console.print(table_of(title, regression, found), "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
