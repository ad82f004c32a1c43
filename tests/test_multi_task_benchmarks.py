"""The benchmark of multi-task paths: its certificate with known values, and a small run."""

import importlib
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rich.console import Console

from tests.reference import multi_task_objective, multi_task_stationarity

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
multi_tasks, run = map(importlib.import_module, ["multi_tasks", "run"])


def problem(l1_ratio=1.0):
    return multi_tasks.shared_rows(20, 30, 3, n_alphas=5, l1_ratio=l1_ratio, n_active=4)


def solved(problem, tol):
    contestant = multi_tasks.Ours()
    contestant.load(problem)
    return contestant.answer(contestant.solve(tol))


@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_certificates_of_solutions_and_of_others(l1_ratio):
    path = problem(l1_ratio)
    best = solved(path, 1e-13)
    assert path.certificate(best) < 1e-10
    assert path.violation(best) < 1e-7
    near = best * (1 + 1e-3)
    total = np.sum(path.y**2) / (2 * len(path.y))
    for k, alpha in enumerate(path.alphas):
        one = multi_tasks.MultiTaskRegression(path.X, path.y, path.alphas[[k]], l1_ratio)
        values = [
            multi_task_objective(W[:, :, k].T, 0.0, path.X, path.y, alpha, l1_ratio)
            for W in (near, best)
        ]
        assert (values[0] - values[1]) / total <= one.certificate(near[:, :, [k]]) + 1e-12
        expected = multi_task_stationarity(near[:, :, k].T, 0.0, path.X, path.y, alpha, l1_ratio)
        assert_allclose(one.violation(near[:, :, [k]]), expected / alpha, rtol=1e-9, atol=1e-12)
    assert path.certificate(near) > 1e-6


def test_zero_is_the_solution_at_the_first_alpha_only():
    path = problem()
    zeros = np.zeros((3, 30, 5))
    first = multi_tasks.MultiTaskRegression(path.X, path.y, path.alphas[:1])
    assert first.certificate(zeros[:, :, :1]) < 1e-12
    assert first.violation(zeros[:, :, :1]) < 1e-12
    assert path.certificate(zeros) > 0.1
    with pytest.raises(ValueError, match="the answer has shape"):
        path.certificate(zeros[:2])


def test_a_small_race(monkeypatch, tmp_path):
    cases = [multi_tasks.Case("small", problem)]
    monkeypatch.setattr(multi_tasks, "multi_task_cases", lambda quick: cases)
    file, console = tmp_path / "out.csv", Console(file=io.StringIO(), width=120)
    assert run.main(["multi-task", "--quick", "--repeats", "1", "--csv", str(file)], console) == 0
    lines = file.read_text().splitlines()
    for name in ("skreg", "scikit-learn"):
        assert any(f",{name}," in line and "True" in line for line in lines), name


def test_the_cases_have_the_sizes_of_their_names():
    for quick in (True, False):
        names = [case.name for case in multi_tasks.multi_task_cases(quick)]
        assert names == ["wide", "wide, elastic net", "tall"]
    made = multi_tasks.multi_task_cases(quick=True)[0].make()
    assert (made.X.shape, made.y.shape, len(made.alphas)) == ((50, 300), (50, 10), 20)
