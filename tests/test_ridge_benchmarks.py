"""Benchmarks of choosing ridge's alpha: scores against brute force, memory against arrays."""

import csv
import importlib
import mmap

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict, cross_val_score

from tests.test_benchmarks import (
    FAMILIAR,
    Flat,
    Runner,
    certify,
    contest,
    execute,
    objective,
    of_job,
    problems,
    rivals,
    run,
)

memory, ridges, selection = map(importlib.import_module, ["memory", "ridges", "selection"])
measured = pytest.mark.skipif(not memory.can_measure(), reason="this system keeps no peak")
STATES = [selection.LeaveOneOut, selection.GeneralizedCrossValidation, selection.CrossValidation]
ALPHAS = np.geomspace(1e-2, 1e4, 7)


def state(kind, n=40, p=7, rank=None):
    """A problem with columns off centre; of lower rank where asked."""
    rng = np.random.default_rng(n + p)
    X = rng.standard_normal((n, rank or p))
    X = (X if rank is None else X @ rng.standard_normal((rank, p))) + 3
    return kind(X, X[:, :3].sum(axis=1) + 2 * rng.standard_normal(n) + 5, ALPHAS)


shapes = pytest.mark.parametrize(
    "shape", [{}, {"p": 90}, {"p": 40}, {"p": 39}, {"rank": 4}, {"p": 60, "rank": 10}], ids=str
)


# Scores ----------------------------------------------------------------------------------------


@shapes
def test_leave_one_out_scores_are_those_of_refitting(shape):
    problem = state(selection.LeaveOneOut, **shape)
    refitted = [
        np.mean(
            (problem.y - cross_val_predict(model, problem.X, problem.y, cv=LeaveOneOut())) ** 2
        )
        for model in map(Ridge, ALPHAS)
    ]
    assert_allclose(problem.scores, refitted, rtol=1e-9)


def test_leave_one_out_scores_keep_their_digits_where_the_fit_interpolates():
    """With K = Xc Xc' and alpha towards 0, the errors tend to (K+ y)_i / (K+)_ii."""
    data = state(selection.LeaveOneOut, p=90)
    problem = selection.LeaveOneOut(data.X, data.y, np.array([1e-12]))
    X = data.X - data.X.mean(axis=0)
    inverse = np.linalg.pinv(X @ X.T, rcond=1e-10)
    errors = inverse @ (data.y - data.y.mean()) / np.diag(inverse)
    assert_allclose(problem.scores, np.mean(errors**2), rtol=1e-9)


@shapes
def test_gcv_scores_are_those_of_the_hat_matrix(shape):
    problem = state(selection.GeneralizedCrossValidation, **shape)
    n, X = len(problem.y), problem.X - problem.X.mean(axis=0)
    for alpha, score in zip(ALPHAS, problem.scores, strict=True):
        hat = X @ np.linalg.solve(X.T @ X + alpha * np.eye(X.shape[1]), X.T) + 1 / n
        off = np.eye(n) - hat
        assert_allclose(score, n * np.sum((off @ problem.y) ** 2) / np.trace(off) ** 2, rtol=1e-8)


@shapes
def test_fold_scores_are_those_of_refitting(shape):
    problem = state(selection.CrossValidation, **shape)
    refitted = [
        np.mean(cross_val_score(model, problem.X, problem.y, cv=problem.cv))
        for model in map(Ridge, ALPHAS)
    ]
    assert_allclose(problem.scores, refitted, atol=1e-10)


def fit(problem, alpha):
    model = Ridge(alpha).fit(problem.X, problem.y)
    return model.coef_, model.intercept_


@pytest.mark.parametrize("kind", STATES[:2])
def test_a_wrong_score_choice_or_fit_counts(kind):
    problem = state(kind)
    best = np.argmin(problem.scores)
    assert 0 < best < len(ALPHAS) - 1
    right = fit(problem, ALPHAS[best])
    assert problem.certificate((ALPHAS[best], problem.scores[best], *right)) < 1e-12
    off = problem.certificate((ALPHAS[best], problem.scores[best] * (1 + 1e-6), *right))
    assert_allclose(off, 1e-6, rtol=1e-6)
    worse = problem.certificate((ALPHAS[0], problem.scores[0], *fit(problem, ALPHAS[0])))
    assert_allclose(worse, problem.scores[0] / problem.scores[best] - 1)
    other = problem.certificate((ALPHAS[best], problem.scores[best], *fit(problem, ALPHAS[0])))
    assert other > 1e-5
    with pytest.raises(ValueError, match="not in the grid"):
        problem.certificate((ALPHAS[best] * 1.01, problem.scores[best], *right))


def test_fold_scores_may_be_given_for_some_alphas_in_any_order():
    problem = state(selection.CrossValidation)
    some = [4, 0]
    assert problem.certificate((ALPHAS[some] * (1 + 1e-14), problem.scores[some])) == 0
    assert_allclose(problem.certificate((ALPHAS[some], problem.scores[some] + [0, 1e-3])), 1e-3)
    best = problem.scores.argmax()
    right = ALPHAS[best], *fit(problem, ALPHAS[best])
    assert problem.certificate((ALPHAS, problem.scores, *right)) < 1e-12
    assert problem.certificate((ALPHAS, problem.scores, ALPHAS[best], *fit(problem, 1e9))) > 1e-5
    assert problem.certificate((ALPHAS, problem.scores, ALPHAS[0], *fit(problem, ALPHAS[0]))) > 0
    with pytest.raises(ValueError, match="shape"):
        problem.certificate((ALPHAS[some], problem.scores))
    with pytest.raises(ValueError, match="not in the grid"):
        problem.certificate(([0.5], problem.scores[:1]))


def test_quick_cases_have_four_shapes_and_a_grid_around_the_best():
    made = {case.name: case.make for case in problems.ridge_cases(quick=True)}
    jobs = [objective.RidgeRegression, *STATES]
    names = ["very tall", "tall", "wide", "square"]
    full = [case.name for case in problems.ridge_cases()]
    assert list(made) == full
    assert len(full) == len(jobs) * len(names)
    found = [make() for make in made.values()]
    assert [type(problem) for problem in found[::4]] == jobs
    assert [np.sign(problem.X.shape[0] - problem.X.shape[1]) for problem in found[:4]] == [
        1, 1, -1, 0,
    ]  # fmt: skip
    for problem in found[8:12]:
        assert 0 < np.argmin(problem.scores) < len(problem.alphas) - 1


# The race --------------------------------------------------------------------------------------


@of_job("ridge", selection.Selection)
@pytest.mark.parametrize("p", [7, 90])
def test_contestants_reach_the_target(kind, p):
    if kind.solves is selection.Selection:
        problem = state(selection.LeaveOneOut, p=p)
    else:
        problem = state(kind.solves, p=p)
    assert certify(kind, problem).certificate <= problem.target


class Choice(Flat):
    """A problem beside which one fit is timed."""

    one_fit = Flat()


def test_one_fit_runs_its_own_problem_and_is_not_ranked():
    ours, rival, fit = Runner("skreg", []), Runner("rival", []), Runner("fit", [])
    ours.ours = fit.ours = fit.reference = True
    choice = Choice()
    entries = contest.race(choice, [ours, rival, fit], repeats=1, limit=1.0, cores=1)
    assert [entry.problem for entry in entries] == [choice, choice, Choice.one_fit]
    assert contest.one_fit(entries) is entries[2]
    for entry, seconds in zip(entries, [2.0, 8.0, 1.0], strict=True):
        entry.seconds = [seconds]
    assert contest.verdict(entries) == "won: 0.25 times the time of rival"
    assert contest.verdict(entries[1:]) == "skreg takes no part"


def test_grid_search_is_a_part_and_large_matrices_are_refused():
    search = ridges.ScikitLearnGridSearch()
    problem = state(selection.CrossValidation)
    search.load(problem)
    assert search.few[[0, -1]].tolist() == ALPHAS[[0, -1]].tolist()
    assert (len(search.few), search.times) == (4, 7 / 4)
    assert search.remark == "4 of 7 alphas timed, seconds times 1.75"
    with search.threads(1):
        assert len(search.solve(None).cv_results_["params"]) == 4
    refuses = ridges.HimalayaCrossValidation.refuses
    wide, tall = (
        selection.CrossValidation(np.zeros(s), None, None) for s in [(9, 9999), (9999, 9)]
    )
    assert refuses(ridges.HimalayaCrossValidation, wide) == ""
    assert "1,999 x 8,000 matrix" in refuses(ridges.HimalayaCrossValidation, tall)


def test_a_run_counts_in_single_fits(monkeypatch, tmp_path):
    cases = [problems.Case("small choice", lambda: state(selection.LeaveOneOut))]
    monkeypatch.setattr(problems, "ridge_cases", lambda *_: cases)
    familiar = [kind for kind in rivals.CONTESTANTS if kind.package in FAMILIAR]
    monkeypatch.setattr(rivals, "CONTESTANTS", familiar)
    path = tmp_path / "r.csv"
    status, text = execute("ridge", "--quick", "--repeats", "2", "--csv", path)
    assert status == 0
    assert "times as long as skreg, one fit" in text
    assert "times as long as skreg: scikit-learn" in text
    lines = [line for line in path.read_text().splitlines() if not line.startswith("# ")]
    rows = {row["contestant"]: row for row in csv.DictReader(lines)}
    assert rows["skreg, one fit"]["measure"] == "normal residual"
    assert float(rows["skreg, one fit"]["ratio_to_one_fit"]) == 1.0
    ours = rows["skreg"]
    ratio = float(ours["seconds_median"]) / float(rows["skreg, one fit"]["seconds_median"])
    assert_allclose(float(ours["ratio_to_one_fit"]), ratio)
    assert ours["peak_over_X"] == ""


# Memory ----------------------------------------------------------------------------------------


@measured
def test_the_peak_is_what_is_touched_at_once():
    megabyte = 2**20

    def ones(size):
        # Straight from the system: what earlier tests have freed may still be resident.
        array = np.frombuffer(mmap.mmap(-1, 8 * size))
        array[:] = 1
        return array

    peak, array = memory.peak_of(lambda: ones(8 * megabyte))
    assert abs(peak - 64 * megabyte) < 2 * megabyte
    assert array.sum() == 8 * megabyte
    assert memory.peak_of(lambda: mmap.mmap(-1, 64 * megabyte))[0] < 2 * megabyte

    def in_turn():
        for _ in range(3):
            ones(4 * megabyte)

    assert abs(memory.peak_of(in_turn)[0] - 32 * megabyte) < 2 * megabyte


@measured
def test_a_fit_in_a_process_of_its_own_is_measured_in_sizes_of_the_data():
    """By hand, the data are copied once to be centred, and the Gram matrix is small."""
    rng = np.random.default_rng(0)
    problem = objective.RidgeRegression(rng.standard_normal((40_000, 50)), np.ones(40_000), 1.0)
    entry = contest.Entry(ridges.SciPyRidge(), problem, seconds=[0.1], reached=True)
    peak, bound = memory.peak(entry, limit=10.0)
    assert 1.0 < peak / problem.X.nbytes < 1.5
    assert bound == problem.memory_bound(None)
    assert entry.peak is None
    run.measure_memory([entry], limit=10.0)
    assert_allclose(entry.peak, peak, rtol=0.2)


@measured
def test_what_cannot_be_measured_is_told(monkeypatch):
    problem = objective.RidgeRegression(np.ones((40, 3)), np.ones(39), 1.0)
    entry = contest.Entry(ridges.SciPyRidge(), problem, seconds=[0.1], reached=True)
    run.measure_memory([entry], limit=10.0)
    assert entry.peak is None
    assert "memory not measured: exit status 1 ValueError" in entry.note
    late = contest.Entry(ridges.SciPyRidge(), problem, seconds=[0.1], reached=True)
    monkeypatch.setattr(memory, "START", 0.0)
    run.measure_memory([late], limit=0.1)
    assert "memory not measured: it took over 0.2 s" in late.note
    slow = contest.Entry(ridges.SciPyRidge(), problem, seconds=[11.0], reached=True)
    run.measure_memory([slow], limit=10.0)
    assert slow.peak is None
    assert slow.note == ""


@measured
def test_a_run_shows_memory(monkeypatch, tmp_path):
    fit = state(selection.Selection, n=3_000).one_fit
    cases = [problems.Case("small fit", lambda: fit)]
    monkeypatch.setattr(problems, "ridge_cases", lambda *_: cases)
    monkeypatch.setattr(rivals, "CONTESTANTS", [ridges.ScikitLearnRidge])
    path = tmp_path / "r.csv"
    _, text = execute("ridge", "--quick", "--repeats", "1", "--memory", "--csv", path)
    assert "r^2 + n r, r = min(n, p), is 1.00" in text
    lines = [line for line in path.read_text().splitlines() if not line.startswith("# ")]
    (row,) = csv.DictReader(lines)
    assert float(row["peak_over_X"]) >= 0
    assert_allclose(float(row["bound_over_X"]), 1 + 7 / 3_000)
