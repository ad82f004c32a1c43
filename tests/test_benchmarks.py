"""The benchmarks: certificates with known values, the rules of the race, a small run of each job.

No timing is asserted here. Every installed contestant has to reach the target on small problems,
so that a rival is never timed on a wrong answer.
"""

import contextlib
import csv
import gzip
import importlib
import io
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from rich.console import Console
from scipy import sparse

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
contest, environment, lassos, objective, problems, report, rivals, run = map(
    importlib.import_module,
    ["contest", "environment", "lassos", "objective", "problems", "report", "rivals", "run"],
)
Selection = importlib.import_module("selection").Selection
FAMILIAR = ("skreg", "scikit-learn", "scipy")  # always here; other packages may be absent


def sparse_regression(n=40, p=60, l1_ratio=1.0, fractions=(0.3,), form=np.asarray, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    y = X[:, :4].sum(axis=1) + rng.standard_normal(n)
    return problems.regression(form(X), y, np.array(fractions), l1_ratio)


def ridge_regression(n=40, p=7):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((n, p)) + 3
    return objective.RidgeRegression(X, X @ np.ones(p) + rng.standard_normal(n) + 5, 2.0)


def network_training(dtype=np.float64, **regularizers):
    X, y = problems.moons(200)
    return objective.NetworkTraining(X, y, (8, 4), 32, 30, regularizers, dtype)


# Certificates ----------------------------------------------------------------------------------


def soft(x, threshold):
    return np.sign(x) * np.maximum(np.abs(x) - threshold, 0)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_gap_vanishes_at_the_closed_form_solution(l1_ratio):
    n = 30
    X = np.linalg.qr(np.random.default_rng(0).standard_normal((n, 10)))[0] * np.sqrt(n)
    y = X @ np.linspace(-2, 2, 10) + 0.1 * np.random.default_rng(1).standard_normal(n)
    problem = problems.regression(X, y, np.array([0.5, 0.1]), l1_ratio)
    alphas = problem.alphas
    correlation = (X.T @ problem.y / n)[:, None]
    coefs = soft(correlation, alphas * l1_ratio) / (1 + alphas * (1 - l1_ratio))
    assert problem.certificate(coefs) < 1e-14
    assert problem.certificate(coefs * (1 + 1e-3)) > 1e-8


@settings(max_examples=25, deadline=None)
@given(fraction=st.floats(1e-3, 1.0), seed=st.integers(0, 10))
def test_gap_of_zero_coefficients_is_known(fraction, seed):
    """At w = 0 the dual point is y scaled by s = alpha / alpha_max: a gap of (1 - s)^2."""
    problem = sparse_regression(fractions=(fraction,), seed=seed)
    assert_allclose(problem.certificate(np.zeros((60, 1))), (1 - fraction) ** 2, atol=1e-14)


@settings(max_examples=25, deadline=None)
@given(noise=st.floats(1e-6, 10.0), l1_ratio=st.sampled_from([1.0, 0.5]), seed=st.integers(0, 10))
def test_gap_bounds_the_distance_to_the_optimum(noise, l1_ratio, seed):
    problem = sparse_regression(l1_ratio=l1_ratio, fractions=(0.1,), seed=seed)
    (alpha,), n = problem.alphas, len(problem.y)

    def primal(w):
        penalty = l1_ratio * np.abs(w).sum() + (1 - l1_ratio) / 2 * (w @ w)
        return np.sum((problem.y - problem.X @ w) ** 2) / (2 * n) + alpha * penalty

    best = lassos.ScikitLearnLasso()
    best.load(problem)
    optimum = best.solve(1e-14)[:, 0]
    moved = optimum + noise * np.random.default_rng(seed).standard_normal(60)
    suboptimality = (primal(moved) - primal(optimum)) / (problem.y @ problem.y / (2 * n))
    assert problem.certificate(moved[:, None]) >= suboptimality * (1 - 1e-9)


def test_gap_of_the_elastic_net_is_that_of_the_augmented_lasso():
    problem = sparse_regression(l1_ratio=0.3)
    (n, p), alpha = problem.X.shape, problem.alphas[0]
    X = np.vstack([problem.X, np.sqrt(n * alpha * 0.7) * np.eye(p)])
    y = np.concatenate([problem.y, np.zeros(p)])
    lasso = objective.SparseRegression(X, y, np.array([n * alpha * 0.3 / (n + p)]))
    w = 0.1 * np.random.default_rng(0).standard_normal((p, 1))
    assert_allclose(problem.certificate(w), lasso.certificate(w), rtol=1e-12)


def test_gap_of_a_path_is_its_worst_and_sparse_data_give_the_same():
    path = sparse_regression(fractions=(0.5, 0.1))
    assert_allclose(path.certificate(np.zeros((60, 2))), 0.9**2)
    w = np.random.default_rng(0).standard_normal((60, 2))
    same = objective.SparseRegression(sparse.csc_array(path.X), path.y, path.alphas)
    assert_allclose(same.certificate(w), path.certificate(w), rtol=1e-12)


def test_ridge_residual_is_zero_at_the_solution_one_at_the_start():
    problem = ridge_regression()
    X, y = problem.X, problem.y
    Xc, yc = X - X.mean(axis=0), y - y.mean()
    coef = np.linalg.solve(Xc.T @ Xc + problem.alpha * np.eye(X.shape[1]), Xc.T @ yc)
    intercept = y.mean() - X.mean(axis=0) @ coef
    assert problem.certificate((coef, intercept)) < 1e-13
    assert_allclose(problem.certificate((np.zeros(7), y.mean())), 1.0)
    assert problem.certificate((coef, intercept + 1e-3)) > 1e-5
    assert problem.certificate((coef * (1 + 1e-6), intercept)) > 1e-8
    # Only the intercept's own equation sees its error where the columns are centred.
    centred = objective.RidgeRegression(Xc, y, problem.alpha)
    assert centred.certificate((coef, y.mean())) < 1e-13
    assert centred.certificate((coef, y.mean() + 1e-3)) > 1e-5


def test_training_loss_steps_and_operations():
    problem = network_training()
    assert_allclose(problem.certificate(np.full((200, 2), 0.5)), np.log(2))
    assert problem.certificate(np.eye(2)[problem.y]) == 0
    assert problem.steps == 30 * 7
    assert problem.units == (2, 8, 4, 1)
    assert problem.flops == (4 * 2 * 8 + 6 * (8 * 4 + 4 * 1)) * 200 * 30
    assert problem.products["gradient"] == [(2, 32, 8), (8, 32, 4), (4, 32, 1)]
    assert problem.products["delta"] == [(32, 4, 8), (32, 1, 4)]
    assert network_training(dropout=0.1).one_fit.regularizers == {}


@pytest.mark.parametrize(
    ("answer", "message"),
    [(np.zeros((60, 2)), "shape"), (np.full((60, 1), np.nan), "not finite")],
)
def test_a_wrong_answer_has_no_certificate(answer, message):
    with pytest.raises(ValueError, match=message):
        sparse_regression().certificate(answer)


# The race --------------------------------------------------------------------------------------


class Runner:
    """A contestant whose error is its tolerance, and that notes when it runs."""

    package, ours, slow_first_run = "none", False, False
    reference, times, remark = False, 1.0, ""

    def __init__(self, name, log, seconds=0.0, ladder=(1.0, 1e-8, 1e-12), fails_at=None):
        self.name, self.log, self.seconds = name, log, seconds
        self.ladder, self.fails_at = ladder, fails_at

    def load(self, problem):
        self.problem = problem

    def tolerances(self, target):
        return self.ladder

    def thread_counts(self, cores):
        return sorted({1, cores})

    def threads(self, count):
        self.count = count
        return contextlib.nullcontext()

    def solve(self, tolerance):
        self.log.append((self.name, tolerance, self.count))
        if len(self.log) == self.fails_at:
            raise ArithmeticError("out of luck")
        time.sleep(self.seconds)
        return tolerance

    def answer(self, tolerance):
        return tolerance


class Flat:
    """A problem whose certificate is the answer."""

    target = 1e-6
    X = np.zeros((3, 2))
    measure = "error"

    def certificate(self, answer):
        return answer


def race(*contestants, limit=10.0, cores=1, repeats=2, problem=None):
    return contest.race(problem or Flat(), contestants, repeats=repeats, limit=limit, cores=cores)


def test_the_loosest_tolerance_that_reaches_the_target_is_kept():
    log = []
    (entry,) = race(Runner("a", log))
    assert (entry.tolerance, entry.reached, len(entry.seconds)) == (1e-8, True, 2)
    assert [tolerance for _, tolerance, _ in log] == [1.0, 1e-8, 1e-8, 1e-8]


def test_rounds_are_interleaved_and_start_with_another_contestant_each_time():
    log = []
    race(*(Runner(name, log, ladder=(0.0,)) for name in "abc"), repeats=3)
    assert "".join(name for name, _, _ in log[-9:]) == "abcbcacab"


def test_the_faster_count_of_threads_is_kept():
    class FasterOnOne(Runner):
        def solve(self, tolerance):
            time.sleep(0.02 if self.count == 4 else 0.0)
            return super().solve(tolerance)

    class FasterOnFour(Runner):
        def solve(self, tolerance):
            time.sleep(0.02 if self.count == 1 else 0.0)
            return super().solve(tolerance)

    log = []
    one, four = race(FasterOnOne("one", log), FasterOnFour("four", log), cores=4)
    assert (one.threads, four.threads) == (1, 4)
    assert log[-1][2] == 1 or log[-1][0] == "four"


def test_a_contestant_may_insist_on_a_count_of_threads():
    class OnThree(Runner):
        def thread_counts(self, cores):
            return [3]

    log = []
    (entry,) = race(OnThree("three", log), cores=4)
    assert entry.threads == 3
    assert {count for *_, count in log} == {3}


def test_what_else_is_timed_is_timed_once_a_round():
    log = []
    contest.race(
        Flat(),
        [Runner("a", log, ladder=(0.0,))],
        repeats=2,
        limit=10.0,
        cores=1,
        each_round=lambda: log.append(("else", 0, 0)),
    )
    assert [name for name, _, _ in log] == ["a", "a", "else", "a", "else"]


def test_an_unreached_target_and_an_exceeded_limit_are_told():
    log = []
    far, slow = race(
        Runner("far", log, ladder=(1e-2, 1e-3)), Runner("slow", log, 0.03), limit=0.02
    )
    assert not far.reached
    assert far.tolerance == 1e-3
    assert "target 1e-06 not reached" in far.note
    assert len(slow.seconds) == 1
    assert "over the limit of 0.02 s" in slow.note
    assert sum(name == "slow" for name, _, _ in log) == 1


def test_a_failure_is_a_row_and_does_not_end_the_race():
    log = []
    bad, good = race(Runner("bad", log, fails_at=1), Runner("good", log))
    late, _ = race(Runner("late", [], fails_at=4), Runner("good", log))
    assert (bad.failed, bad.note) == (True, "failed: ArithmeticError: out of luck")
    assert good.reached
    assert late.failed
    assert not late.reached
    rows = report.rows("case", Flat(), [bad, good])
    assert rows[0]["seconds_median"] is None
    assert rows[1]["ratio_to_best_rival"] == 1.0
    console = Console(file=io.StringIO(), width=130)
    console.print(report.table("case", Flat(), [bad, good]))
    assert "bad: failed: ArithmeticError: out of luck" in console.file.getvalue()


def test_who_has_used_up_the_limit_leaves_the_rounds():
    (slow,) = race(Runner("slow", [], seconds=0.02, ladder=(0.0,)), limit=0.05, repeats=50)
    assert 1 < len(slow.seconds) < 10
    assert slow.reached


def test_the_worst_certificate_counts():
    class Worsening(Runner):
        def answer(self, tolerance):
            return 1e-9 * 10.0 ** len(self.log)

    (entry,) = race(Worsening("a", []), repeats=4)
    assert entry.certificate == pytest.approx(1e-4)
    assert not entry.reached


def test_a_loss_far_above_the_smallest_does_not_count():
    class Training(Flat):
        target = None

    log = []
    losses = [Runner(str(loss), log, ladder=(loss,)) for loss in (0.4, 0.49, 0.51)]
    entries = race(*losses, problem=Training())
    assert [entry.reached for entry in entries] == [True, True, False]
    losses[0].reference, Training.one_fit = True, Training()
    entries = race(*losses, problem=Training())
    assert [entry.reached for entry in entries] == [True, True, True]


def entry(name, seconds, ours=False, reached=True):
    runner = Runner(name, [])
    runner.ours = ours
    return contest.Entry(runner, Flat(), seconds=seconds, certificate=0.0, reached=reached)


def test_verdict_and_quartiles():
    quick, slow = entry("quick", [1.0, 2.0, 3.0]), entry("slow", [4.0])
    assert (quick.median, quick.quartiles, slow.quartiles) == (2.0, (1.5, 2.5), (4.0, 4.0))
    wrong = entry("wrong", [0.1], reached=False)
    rivals_only = [quick, slow, wrong]
    assert contest.best_rival(rivals_only) is quick
    assert contest.verdict(rivals_only) == "skreg takes no part"
    lost = contest.verdict([*rivals_only, entry("skreg", [3.0], ours=True)])
    assert lost == "LOST: 1.50 times the time of quick"
    won = contest.verdict([*rivals_only, entry("skreg", [1.0], ours=True)])
    assert won == "won: 0.50 times the time of quick"
    unsolved = entry("skreg", [1.0], ours=True, reached=False)
    assert contest.verdict([quick, unsolved]) == "LOST: skreg does not reach the target"
    assert "no rival" in contest.verdict([wrong, entry("skreg", [1.0], ours=True)])
    broken = entry("skreg", [], ours=True, reached=False)
    broken.failed = True
    assert contest.verdict([quick, broken]) == "LOST: skreg does not reach the target"


def test_samples_of_a_part_of_the_job_are_scaled():
    part = entry("part", [1.0, 2.0, 3.0])
    part.contestant.times = 5.0
    assert (part.median, part.quartiles) == (10.0, (7.5, 12.5))
    part.seconds = [2.0]
    assert part.quartiles == (10.0, 10.0)
    part.tell("")
    part.tell("one")
    part.tell("two")
    assert part.note == "one; two"


# Contestants -----------------------------------------------------------------------------------


def installed(kind):
    try:
        return kind()
    except ImportError:
        if kind.package in FAMILIAR:
            raise
        pytest.skip(f"{kind.package} is not installed")


def certify(kind, problem):
    contestant = installed(kind)
    if contestant.refuses(problem):
        pytest.skip(contestant.refuses(problem))
    before = problem.X.copy()
    (result,) = contest.race(problem, [contestant], repeats=1, limit=60.0, cores=2)
    assert not result.failed, result.note
    assert result.reached, result.note
    assert abs(problem.X - before).max() == 0
    return result


def of_job(job, solves=object):
    kinds = [k for k in rivals.CONTESTANTS if k.job == job and issubclass(k.solves, solves)]
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.__name__)


@of_job("lasso")
@pytest.mark.parametrize("form", [np.asarray, sparse.csc_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_sparse_contestants_reach_the_target(kind, form, l1_ratio):
    for fractions in ((0.3,), (1.0, 0.5, 0.2)):
        problem = sparse_regression(l1_ratio=l1_ratio, form=form, fractions=fractions)
        result = certify(kind, problem)
        assert result.certificate <= result.target


@of_job("ridge", objective.RidgeRegression)
@pytest.mark.parametrize("p", [7, 90])
def test_ridge_contestants_reach_the_target(kind, p):
    problem = ridge_regression(p=p)
    assert certify(kind, problem).certificate <= problem.target


# The command -----------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """Small problems, and only the contestants that are always installed."""
    one = {
        "lasso": problems.Case("small sparse", sparse_regression),
        "ridge": problems.Case("small ridge", ridge_regression),
        "mlp": problems.Case("small net", network_training),
    }
    for job, case in one.items():
        monkeypatch.setattr(problems, f"{job}_cases", lambda *_, case=case: [case])
    familiar = [kind for kind in rivals.CONTESTANTS if kind.package in FAMILIAR]
    monkeypatch.setattr(rivals, "CONTESTANTS", familiar)


def execute(*arguments):
    console = Console(file=io.StringIO(), width=130)
    status = run.main([*map(str, arguments)], console)
    return status, console.file.getvalue()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("job", ["lasso", "ridge", "mlp"])
def test_a_run_prints_a_table_and_writes_the_csv(job, tmp_path):
    path = tmp_path / "new folder" / "result.csv"
    status, text = execute(job, "--quick", "--repeats", "2", "--csv", path)
    assert status == 0
    assert "skreg" in text
    lines = path.read_text().splitlines()
    head = [line for line in lines if line.startswith("# ")]
    assert any(line.startswith("# scikit-learn: 1.") for line in head)
    assert any(line.startswith("# processor: ") for line in head)
    rows = list(csv.DictReader(lines[len(head) :]))
    names = {
        kind.name
        for kind in rivals.CONTESTANTS
        if kind.job == job and not issubclass(kind.solves, Selection) and not kind.reference
    }
    assert {row["contestant"] for row in rows} == names
    assert all(row["reached"] == "True" and row["samples"] == "2" for row in rows)
    assert min(float(r["ratio_to_best_rival"]) for r in rows if r["version"] != "0.1.0") == 1.0
    for column in ("gflop_per_second", "share_of_blas"):
        assert all(bool(row[column]) == (job == "mlp") for row in rows)


@pytest.mark.usefixtures("small")
def test_absent_libraries_and_absent_data_are_named(monkeypatch, tmp_path):
    class Unknown(lassos.SparseContestant):
        module = package = "no_such_library"

    Unknown.name = "unknown"  # set late, so that the class isn't entered for good

    def absent():
        raise problems.DataAbsentError("get them there")

    monkeypatch.setattr(rivals, "CONTESTANTS", [Unknown])
    monkeypatch.setattr(problems, "lasso_cases", lambda *_: [problems.Case("lost", absent)])
    _, text = execute("lasso", "--csv", tmp_path / "r.csv")
    assert "get it with: pip install no_such_library" in text
    assert "left out: lost (get them there)" in text


def test_a_handicap_is_told(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert "OPENBLAS_CORETYPE=Haswell" in environment.handicap()
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    assert environment.handicap() is None


def test_bad_arguments(capsys):
    status, text = execute("ridge", "--cases", "no such case")
    assert status == 2
    assert "no case of ridge has 'no such case' in its name" in text
    for arguments in (["ridge", "--path"], ["lasso", "--repeats", "0"], ["enet"]):
        with pytest.raises(SystemExit):
            run.parse(arguments)
    assert "--path goes with lasso only" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run.parse(["mlp", "--memory"])
    assert "--memory goes with lasso and ridge only" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity on this system")
def test_a_library_that_pins_the_process_is_undone():
    cores = os.sched_getaffinity(0)
    with rivals.kept_affinity():
        os.sched_setaffinity(0, {min(cores)})
    assert os.sched_getaffinity(0) == cores


# Problems --------------------------------------------------------------------------------------


def test_quick_lasso_cases_are_centred_scaled_and_start_at_alpha_max(monkeypatch, tmp_path):
    monkeypatch.setenv("SKREG_DATA", str(tmp_path))
    monkeypatch.setattr(problems, "FASHION_MNIST", tmp_path)
    cases = {case.name: case.make for case in problems.lasso_cases(quick=True, path=True)}
    for name, reason in [("leukemia", "SKREG_DATA"), ("Fashion-MNIST", "dataset-fashion-mnist")]:
        (full_name,) = (case for case in cases if case.startswith(name))
        with pytest.raises(problems.DataAbsentError, match=reason):
            cases.pop(full_name)()
    made = {name: make() for name, make in cases.items()}
    assert made["diabetes, cubic features"].X.shape == (442, 285)
    assert sparse.issparse(made["sparse"].X)
    for problem in made.values():
        assert_allclose(np.mean(problem.y**2), 1.0)
        assert_allclose(problem.alphas[-1] / problem.alphas[0], 1e-2)
        if not sparse.issparse(problem.X):
            assert_allclose(problem.X.mean(axis=0), 0.0, atol=1e-10)
        zero = objective.SparseRegression(
            problem.X, problem.y, problem.alphas[:1], problem.l1_ratio
        )
        assert zero.certificate(np.zeros((problem.X.shape[1], 1))) < 1e-14


def test_neighbours_are_correlated_as_asked():
    X, _ = problems.autoregressive(20_000, 10, 0.8, 3)
    correlation = np.corrcoef(X, rowvar=False)
    assert_allclose(np.diag(correlation, 1), 0.8, atol=0.02)
    assert_allclose(np.diag(correlation, 2), 0.64, atol=0.03)


def test_fashion_mnist_is_read_from_idx_files(monkeypatch, tmp_path):
    images = np.arange(3 * 784, dtype=np.uint32).astype(np.uint8)
    for name, head, data in [
        ("train-images-idx3-ubyte.gz", 16, images),
        ("train-labels-idx1-ubyte.gz", 8, np.array([4, 0, 9], np.uint8)),
    ]:
        (tmp_path / name).write_bytes(gzip.compress(bytes(head) + data.tobytes()))
    monkeypatch.setattr(problems, "FASHION_MNIST", tmp_path)
    X, y = problems.fashion_mnist(2)
    assert_allclose(X, images[: 2 * 784].reshape(2, 784) / 255)
    assert y.tolist() == [4, 0]
