"""CSV and Parquet files as users have them."""

import sys

import pytest

from skreg._comparison.errors import InputError
from skreg._comparison.reading import read_frame

pd = pytest.importorskip("pandas")
FRAME = pd.DataFrame({"Größe (cm)": [170.5, 181.0, None], "city": ["Rome", None, "São Paulo"]})


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_separators_and_encodings(tmp_path, separator, encoding):
    path = tmp_path / "a table.csv"
    FRAME.to_csv(path, sep=separator, index=False, encoding=encoding)
    frame, name = read_frame(path, "Größe (cm)")
    assert name == "Größe (cm)"
    pd.testing.assert_frame_equal(frame, FRAME)


def test_a_separator_that_cuts_lines_unequally_is_none(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("width, in cm;y\n1;2\n3;4\n")
    assert list(read_frame(path, "y")[0].columns) == ["width, in cm", "y"]


def test_separators_inside_quotes_do_not_count(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a,b\n"x;y;z",1\n"u;v;w",2\n')
    assert read_frame(path, "b")[0].shape == (2, 2)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a;b\n1,5;x\n2,25;y\n", [1.5, 2.25]),
        ("a;b\n1.5;x\n2.25;1,5\n", [1.5, 2.25]),
        ("a\tb\n1,5\t2\n-3,0\t4\n", [1.5, -3.0]),
    ],
)
def test_decimal_comma(tmp_path, text, values):
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert list(read_frame(path, "b")[0]["a"]) == values


def test_question_marks_and_blanks_are_missing(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a, b\n1, ?\n?, x\n, y\n")
    frame, name = read_frame(path, "b")
    assert name == "b"
    assert list(frame["a"].isna()) == [False, True, True]
    assert list(frame["b"].isna()) == [True, False, False]


def test_parquet_by_content_whatever_its_name(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "table.dat"
    FRAME.to_parquet(path)
    pd.testing.assert_frame_equal(read_frame(path, "city")[0], FRAME)


def test_column_names_that_are_numbers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("1,2\n3,4\n5,6\n")
    assert read_frame(path, "2")[1] == "2"


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        ("größe (cm)", "Did you mean 'Größe (cm)'?"),
        ("citty", "Did you mean 'city'?"),
        ("price", "Columns: 'Größe (cm)', 'city'."),
    ],
)
def test_a_missing_column_gets_a_hint(tmp_path, target, hint):
    path = tmp_path / "t.csv"
    FRAME.to_csv(path, index=False)
    with pytest.raises(InputError) as error:
        read_frame(path, target)
    assert str(error.value) == f"there is no column {target!r}. {hint}"


def test_a_long_list_of_columns_is_cut(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(",".join(f"c{k}" for k in range(30)) + "\n" + ",".join("1" * 30) + "\n")
    with pytest.raises(InputError, match="'c7' and 22 more"):
        read_frame(path, "price")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"a,b\n", "has a header but no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is not UTF-8 text"),
        ("a,b\né,1\n".encode("latin-1"), "is not UTF-8 text"),
        (b"a,b\n" + b"x,1\n" * 9999 + b"\xff,1\n", "is not UTF-8 text"),
        (b"a,b\n1,2\n1,2,3,4\n", "has 2 names in its header but 4 cells in row 3"),
        (b"a,b\n" + b"1,2\n" * 99 + b"1,2,3\n", "is no regular CSV table"),
        (b"PAR1 and then nothing", "cannot be read"),
    ],
)
def test_unusable_files(tmp_path, content, message):
    pytest.importorskip("pyarrow")
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_frame(path, "b")


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match="no file"):
        read_frame(tmp_path / "none.csv", "b")
    with pytest.raises(InputError, match="is a folder"):
        read_frame(tmp_path, "b")


@pytest.mark.parametrize("missing", ["pandas", "pyarrow"])
def test_optional_dependencies_are_named(tmp_path, monkeypatch, missing):
    pytest.importorskip("pyarrow")
    path = tmp_path / "t.parquet"
    FRAME.to_parquet(path)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputError, match=rf"needs {missing}. Run: pip install pandas pyarrow"):
        read_frame(path, "city")


def test_an_empty_cell_at_the_end_of_each_row_shifts_nothing(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,target\n" + "".join(f"{k},{k + 1},{k + 2},\n" for k in range(5)))
    frame, _ = read_frame(path, "target")
    assert list(frame.columns) == ["a", "b", "target"]
    assert list(frame["target"]) == [2, 3, 4, 5, 6]


def test_a_parquet_index_becomes_columns(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame({"g": [1, 2, 3], "target": [4, 5, 6], "x": [7, 8, 9]})
    frame.set_index(["g", "target"]).to_parquet(path)
    read, name = read_frame(path, "target")
    assert name == "target"
    assert sorted(read.columns) == ["g", "target", "x"]
