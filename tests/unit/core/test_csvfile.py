import pytest

from studium.core.csvfile import csv_rows
from studium.errors import InputError


def test_rows_by_the_names_of_columns(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"")
    assert [*csv_rows(path)] == []
    path.write_bytes('\ufeff a ,b\r\n1,"x\ny"\r\n'.encode())
    assert [*csv_rows(path, ("a",))] == [{"a": "1", "b": "x\ny"}]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,a\n", "every column needs a name of its own"),
        (b"a,\n", "every column needs a name of its own"),
        (b"b\n", "needs the columns a, and lacks a"),
        (b"a,b\n1\n", "line 2: as many cells"),
        (b"a,b\n1,2,3\n", "line 2: as many cells"),
        (b"a\n\xff\n", "cannot be read as a CSV file in UTF-8"),
        (b'a\n"x', "cannot be read as a CSV file"),
    ],
)
def test_files_that_do_not_fit(tmp_path, content, says):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(InputError, match=says):
        [*csv_rows(tmp_path / "x.csv", ("a",))]


def test_no_file(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        next(csv_rows(tmp_path / "none.csv"))
