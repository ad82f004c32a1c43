"""`python -m skreg`: what it prints, where, and with which exit code."""

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

import skreg
from skreg import __main__ as job
from skreg._comparison import search
from skreg._comparison.table import from_file

pd = pytest.importorskip("pandas")

FEW = {"alpha": [30.0, 1.0, 0.03]}


@pytest.fixture
def quick(monkeypatch):
    """The real estimators on small grids, one run each."""

    def small(pair, full):
        if pair.name != "MLPClassifier":
            return lambda table, seed: FEW
        # The last two of each list, and too few epochs to converge.
        return lambda table, seed: {
            **{name: values[-2:] for name, values in full(table, seed).items()},
            "max_iter": [3],
        }

    pairs = [p._replace(grid=small(p, p.grid), twin_grid=small(p, p.twin_grid)) for p in job.PAIRS]
    monkeypatch.setattr(job, "PAIRS", pairs)
    monkeypatch.setattr(search, "REPEAT_BELOW", 0.0)


def frame_of(n=80):
    """A table as users have them: mixed types, gaps, odd names, useless columns."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "id": [f"p{k}" for k in range(n)],
            "Größe (cm)": rng.normal(170, 10, n),
            "age [years]": np.where(rng.random(n) < 0.2, np.nan, rng.integers(20, 80, n)),
            "city": rng.choice(["Rome", "Paris", None], n),
            "open": rng.random(n) < 0.5,
            "since": pd.date_range("2020-01-01", periods=n).strftime("%Y-%m-%d"),
            "same": 1,
        }
    )
    frame["price"] = frame["Größe (cm)"] + 20 * frame["open"] + rng.normal(0, 5, n)
    frame["buys now"] = np.where(frame["price"] > 180, "yes", "no")
    frame.loc[:3, "price"] = np.nan
    return frame


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "a table.csv"
    frame_of().to_csv(path, index=False)
    return str(path)


def test_built_in_tables(quick, capsys):
    assert job.main(["--folds", "2"]) == 0
    captured = capsys.readouterr()
    for text in ("diabetes: 442 rows", "breast cancer: 569 rows", "R²", "accuracy", "log loss"):
        assert text in captured.out
    for pair in job.PAIRS:
        assert captured.out.count(f"\n{pair.name} ") == 1
        assert f"{pair.name}, scikit-learn" in captured.err
    assert captured.out.count("\n skreg ") == captured.out.count("\n scikit-learn ") == 4
    assert captured.out.count("Reading: ") == 2
    assert "\x1b" not in captured.out + captured.err
    assert max(map(len, captured.out.splitlines())) <= 100


def test_task_chooses_the_built_in_table(quick, capsys):
    assert job.main(["--task", "regression", "--only", "Ridge"]) == 0
    out = capsys.readouterr().out
    assert "diabetes" in out
    assert "breast" not in out
    assert "Lasso" not in out


def test_regression_on_a_csv(quick, csv, capsys):
    assert job.main([csv, "--target", "price", "--folds", "4", "--seed", "3"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "76 rows, 6 columns; regression of 'price' (numbers), inferred" in out
    assert "4 rows without a target were dropped." in out
    assert "Dropped: 'id' (all values differ, like a name), 'same' (constant)." in out
    assert "over 4 test folds, the same for both sides (seed 3)" in out
    assert "'Größe" not in out


def test_classification_on_a_csv(quick, csv, capsys):
    assert job.main([csv, "--target", "buys now", "--jobs", "1"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "classification of 'buys now' (2 classes), inferred" in out
    assert "MLPClassifier" in out
    assert "fits of scikit-learn gave a ConvergenceWarning at max_iter=3," in out


def test_every_format_gives_the_same_figures(quick, csv, tmp_path, capsys):
    pytest.importorskip("pyarrow")
    for separator, name in ((";", "semicolon.csv"), ("\t", "table.tsv")):
        frame_of().to_csv(tmp_path / name, sep=separator, index=False)
    frame_of().to_parquet(tmp_path / "t.parquet")
    expected = rows(csv, capsys)
    for name in ("semicolon.csv", "table.tsv", "t.parquet"):
        assert rows(tmp_path / name, capsys) == expected


def rows(path, capsys):
    """The printed figures but for the seconds."""
    argv = [str(path), "--target", "price", "--only", "Lasso", "--folds", "3"]
    assert job.main(argv) == 0
    lines = capsys.readouterr().out.splitlines()
    found = [line.split()[:-1] for line in lines if line.startswith((" skreg", " scikit-learn"))]
    assert len(found) == 2
    return found


def test_printed_figures_equal_a_direct_search(quick, csv, capsys):
    _, theirs = rows(csv, capsys)
    table = from_file(csv, "price")
    direct = GridSearchCV(
        make_pipeline(table.prepare, Lasso()),
        {"lasso__alpha": FEW["alpha"]},
        cv=KFold(3, shuffle=True, random_state=0),
        scoring="r2",
    ).fit(table.X, table.y)
    deviation = direct.cv_results_["std_test_score"][direct.best_index_]
    coef = direct.best_estimator_[-1].coef_
    assert theirs[1] == f"alpha={direct.best_params_['lasso__alpha']:.3g}"
    assert theirs[2:5] == [f"{direct.best_score_:.3f}", "±", f"{deviation:.3f}"]
    assert theirs[-1] == f"{np.count_nonzero(coef)}/{coef.size}"


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_texts_alone_become_a_sparse_matrix(quick, tmp_path, capsys, task):
    path = tmp_path / "texts.csv"
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({f"t{k}": rng.choice(list("abcdefgh"), 90) for k in range(3)})
    frame["y"] = (frame["t0"] < "d") * 1.0
    if task == "regression":
        frame["y"] += rng.normal(0, 0.1, 90)
    frame.to_csv(path, index=False)
    table = from_file(path, "y")
    assert sparse.issparse(table.prepare.fit_transform(table.X))
    assert job.main([str(path), "--target", "y", "--folds", "2"]) == 0
    out = capsys.readouterr().out
    assert f"{task} of 'y'" in " ".join(out.split())
    assert out.count("\n skreg ") == (3 if task == "regression" else 1)


def test_a_rare_class_lowers_the_folds(quick, tmp_path, capsys):
    path = tmp_path / "rare.csv"
    labels = ["a"] * 20 + ["b"] * 3
    pd.DataFrame({"x": np.arange(23.0) % 7, "y": labels}).to_csv(path, index=False)
    assert job.main([str(path), "--target", "y"]) == 0
    captured = capsys.readouterr()
    assert "3 folds instead of 5: class 'b' has no more rows." in captured.out
    assert "over 3 test folds" in captured.out


BAD_TABLES = {
    "empty.csv": "",
    "header.csv": "x,y\n",
    "alone.csv": "y\n1\n2\n3\n",
    "constant.csv": "x,y\n1,2\n2,2\n3,2\n",
    "gone.csv": "x,y\n1,\n2,\n",
    "useless.csv": "x,y\n1,1.5\n1,2.5\n1,3.5\n",
    "short.csv": "x,y\n1,1.5\n2,2.5\n3,3.5\n",
    "single.csv": "x,y\n1,a\n2,a\n3,b\n",
    "infinite.csv": "x,y\n1,1.5\ninf,2.5\n3,3.5\n",
    "ragged.csv": "x,y\n1,2\n1,2,3\n",
    "twice.csv": "x,y, y\n1,2,3\n4,5,6\n",
    "text.csv": "x,y\n1,yes\n2,no\n3,yes\n",
    "numbers.csv": "x,y\n1,1.5\n2,2.5\n3,3.25\n",
}
ERRORS = [
    (["none.csv", "--target", "y"], "there is no file 'none.csv'"),
    ([".", "--target", "y"], "is a folder"),
    (["binary.csv", "--target", "y"], "not UTF-8 text"),
    (["text.csv", "--target", "Y"], "no column 'Y'. Did you mean 'y'?"),
    (["empty.csv", "--target", "y"], "is empty"),
    (["header.csv", "--target", "y"], "no rows"),
    (["alone.csv", "--target", "y"], "no column but the target"),
    (["constant.csv", "--target", "y"], "is constant"),
    (["gone.csv", "--target", "y"], "has no values"),
    (["useless.csv", "--target", "y"], "no column is left"),
    (["short.csv", "--target", "y"], "3 rows are too few for 5 folds"),
    (["single.csv", "--target", "y"], "have a single row, for example 'b'"),
    (["infinite.csv", "--target", "y"], "column 'x' has infinity in 1 row"),
    (["ragged.csv", "--target", "y"], "has 2 names in its header but 3 cells"),
    (["text.csv", "--target", "y", "--task", "regression"], "has text such as 'yes'"),
    (
        ["numbers.csv", "--target", "y", "--task", "classification"],
        "continuous values such as 1.5",
    ),
    (["twice.csv", "--target", "y"], "two columns named 'y'"),
    (["x" * 300, "--target", "y"], "File name too long"),
    (["text.csv"], "--target COLUMN"),
    (["--target", "y"], "--target needs a table"),
    (["--folds", "1"], "'1' is no integer at least 2"),
    (["--seed", "4294967296"], "is no integer from 0 to 4294967295"),
    (["--jobs", "two"], "'two' is no integer at least 1"),
    (["--only", "Rigde"], "'Rigde'"),
    (["--task", "regression", "--only", "MLPClassifier"], "none of MLPClassifier is for"),
    (["--bogus"], "unrecognized arguments: --bogus"),
]


@pytest.mark.parametrize(("argv", "message"), ERRORS, ids=lambda v: v if type(v) is str else None)
def test_errors_are_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys, argv, message):
    monkeypatch.chdir(tmp_path)
    for name, text in BAD_TABLES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    assert job.main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("skreg: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_without_pandas(monkeypatch, csv, capsys):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert job.main([csv, "--target", "price"]) == 2
    assert capsys.readouterr().err == (
        "skreg: reading a table needs pandas. Run: pip install pandas pyarrow\n"
    )


def test_ctrl_c(monkeypatch, capsys):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "compare", stop)
    assert job.main(["--task", "regression"]) == 130
    assert capsys.readouterr().err == "skreg: stopped\n"


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        job.main(["--version"])
    assert capsys.readouterr().out == f"skreg {skreg.__version__}\n"


def test_help_from_the_shell_names_every_option():
    result = python_m_skreg("--help", capture_output=True, text=True)
    assert result.returncode == 0
    assert result.stderr == ""
    options = ("DATA", "--target", "--task", "--only", "--folds", "--seed", "--jobs", "--version")
    for text in (*options, "examples:", "exit codes:", "130", *(p.name for p in job.PAIRS)):
        assert text in result.stdout


def test_a_reader_that_leaves_early_is_met_with_silence(csv):
    reader, writer = os.pipe()
    os.close(reader)
    argv = [csv, "--target", "price", "--only", "Lasso", "--folds", "2"]
    result = python_m_skreg(*argv, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "BrokenPipe" not in result.stderr


def python_m_skreg(*argv, **options):
    return subprocess.run([sys.executable, "-m", "skreg", *argv], check=False, **options)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_an_output_that_cannot_be_written_is_one_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{k},{2 * k + k % 3}.5\n" for k in range(20)))
    with open("/dev/full", "w") as full:
        run = python_m_skreg(
            str(path), "--target", "y", "--only", "Ridge", stdout=full, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
    assert run.returncode == 1
    assert "skreg: cannot write the output" in run.stderr
    assert "Traceback" not in run.stderr
