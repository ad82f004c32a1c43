"""What the printed table says, from outcomes made by hand."""

import io

import pytest
from rich.console import Console

from skreg._comparison.report import footnotes, print_report, reading, spread
from skreg._comparison.search import Outcome
from skreg._comparison.table import Table


def outcome(mean, n_nonzero=10, **changes):
    figures = Outcome(
        chosen={"alpha": 0.0316, "l1_ratio": 0.5},
        scores={"R²": (mean, 0.05), "RMSE": (54.321, 2.5)},
        weakest=mean - 0.1,
        n_nonzero=n_nonzero,
        n_coef=10,
        seconds=1.25,
        n_runs=3,
        fit_seconds=0.25,
        n_unconverged=0,
        n_fits=20,
        max_iter=100,
    )
    return figures._replace(**changes)


def both(ours, theirs=None):
    return {"skreg": ours, "scikit-learn": theirs or ours}


OUTCOMES = {
    "Ridge": both(outcome(0.5), outcome(0.498, seconds=2.0)),
    "Lasso": both(outcome(0.48, n_nonzero=4)),
    "Crude": both(outcome(0.3, n_nonzero=1)),
}


def printed(width=100, outcomes=OUTCOMES):
    console = Console(file=io.StringIO(), width=width, markup=False)
    table = Table("data [v2].csv", None, None, "regression", None, ["10 rows", "[none] dropped"])
    print_report(console, table, outcomes, guess=-0.01, n_folds=5, seed=7, jobs=1)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100])
def test_every_figure_stands_uncut(width):
    text = printed(width)
    assert max(map(len, text.splitlines())) <= width
    for piece in (
        "data [v2].csv: 10 rows",
        "[none] dropped",
        "0.500 ± 0.050",
        "0.498 ± 0.050",
        "54.3 ± 2.5",
        "alpha=0.0316",
        "l1_ratio=0.5",
        "4/10",
        "1.25",
    ):
        assert piece in text
    assert "…" not in text
    assert "\x1b" not in text


def test_a_row_a_side():
    lines = printed().splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("Ridge"))
    assert lines[start + 1].split()[:1] == ["skreg"]
    assert lines[start + 3].split()[:1] == ["scikit-learn"]
    assert "2.00" in lines[start + 3]


def test_reading_names_best_sparsest_times_and_gap():
    assert reading(OUTCOMES, -0.01, "regression") == (
        "Reading: Ridge reaches R² 0.500; with the weakest penalty tried it has 0.400, and "
        "always guessing the mean has -0.010. Lasso comes within one standard deviation of it "
        "with 4 of 10 coefficients. The searches (the estimators' own fits alone) took "
        "skreg 3.75 s (0.75 s) and scikit-learn 4.50 s (0.75 s); their R² differs by up to 0.002."
    )


def test_reading_without_a_sparser_estimator():
    text = reading({"Ridge": both(outcome(0.5))}, 0.1, "classification")
    assert "comes within" not in text
    assert "guessing the commonest class has 0.100" in text
    assert "agrees to three decimals" in text


def test_a_score_that_one_estimator_lacks_is_a_dash():
    partial = outcome(0.2, scores={"R²": (0.2, 0.01)})
    text = printed(outcomes={"Part": both(partial), **OUTCOMES})
    row = next(line for line in text.splitlines() if "0.200 ± 0.010" in line)
    assert " - " in row
    assert "54.3 ± 2.5" in text


@pytest.mark.parametrize(
    ("mean", "deviation", "text"),
    [
        (0.4896, 0.0504, "0.490 ± 0.050"),
        (-0.012, 0.0, "-0.012 ± 0.000"),
        (54.32, 2.51, "54.3 ± 2.5"),
        (1234567.0, 89012.0, "1.23e+06 ± 8.9e+04"),
        (2.5e-06, 3e-07, "2.5e-06 ± 3e-07"),
        (0.0, 0.25, "0.000 ± 0.250"),
    ],
)
def test_spread(mean, deviation, text):
    assert spread(mean, deviation) == text


def test_footnotes_count_convergence_warnings():
    lines = list(footnotes({"Lasso": both(outcome(0.5))}, 5, 7, 1))
    assert len(lines) == 2
    assert "5 test folds" in lines[0]
    assert "seed 7" in lines[0]
    assert "median of 3 runs." in lines[1]
    warned = both(outcome(0.5, n_unconverged=3, n_runs=1), outcome(0.5, n_runs=1))
    lines = list(footnotes({"Lasso": warned}, 5, 7, 1))
    assert "one run each." in lines[1]
    assert lines[2] == (
        "Lasso: 3 of 20 fits of skreg and 0 of 20 fits of scikit-learn gave a "
        "ConvergenceWarning at max_iter=100, the same budget for both."
    )
