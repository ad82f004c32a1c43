"""The benchmark of the rules: its figures against fits of the stacked least-squares problem."""

import runpy
import sys
from pathlib import Path

import numpy as np

from skreg.problems import gravity

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "rules.py"


def test_percentages_count_draws_far_from_the_best():
    names = runpy.run_path(str(SCRIPT))
    (A, b, x), sigma, draws = gravity(16), 0.1, 30
    result = names["percent_far"]((A, b, x), sigma, draws, seed=3)
    Y = b[:, None] + np.random.default_rng(3).normal(scale=sigma, size=(16, draws))
    grid, far = names["GRID"], 0
    for y in Y.T:
        error, score = [], []
        for alpha in grid:
            M = np.vstack([A, np.sqrt(alpha) * np.eye(16)])
            w = np.linalg.lstsq(M, np.r_[y, np.zeros(16)])[0]
            H = A @ np.linalg.solve(A.T @ A + alpha * np.eye(16), A.T)
            error.append(np.linalg.norm(w - x))
            score.append(np.sum((y - A @ w) ** 2) / np.trace(np.eye(16) - H) ** 2)
        far += error[np.argmin(score)] > names["FAR"] * min(error)
    assert 0 < far < draws
    assert result["gcv", "grid"] == 100 * far / draws
    assert len(result) == 20
    assert all(0 <= percent <= 100 for percent in result.values())


def test_the_table_has_a_row_a_rule_and_kind_of_alphas(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["rules.py", "--draws", "2"])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    output = capsys.readouterr().out
    assert output.count("grid") == output.count("auto") == 10
    assert "percent of 2 draws" in output
