from __future__ import annotations

from pathlib import Path

import pytest

from hagan.data.table import Table, class_name, classes_of, read_table
from hagan.errors import BadInputError, UsageError


def table(tmp_path: Path, text: str, name: str = "t.csv") -> Table:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_table(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_numbers_become_numbers_and_texts_stay(tmp_path: Path, delimiter: str) -> None:
    text = "age,subject,sex\n61.5,s1,F\n,s2,M\n70,s3,n/a\n".replace(",", delimiter)
    read = table(tmp_path, "\ufeff" + text)
    assert read.columns == ("age", "sex")
    assert read.rows == {"s1": {"age": 61.5, "sex": "F"}, "s2": {"sex": "M"}, "s3": {"age": 70.0}}


def test_a_column_with_one_text_is_text(tmp_path: Path) -> None:
    read = table(tmp_path, "id,gold\n1,0\n2,PRISm\n")
    assert read.rows == {"1": {"gold": "0"}, "2": {"gold": "PRISm"}}


def test_the_first_column_identifies_when_none_is_named_so(tmp_path: Path) -> None:
    assert table(tmp_path, "who,age\na,1\n").rows == {"a": {"age": 1.0}}


def test_the_longest_subject_wins(tmp_path: Path) -> None:
    read = table(tmp_path, "subject,x\nA\n".replace("A", "s1,1\ns1_b,2\ns10,3\n07,4"))
    assert read.subject_of(["s1_T1"]) == "s1"
    assert read.subject_of(["s1_b_T1"]) == "s1_b"
    assert read.subject_of(["s10_T1"]) == "s10"
    assert read.subject_of(["s2_T1"]) is None
    assert read.subject_of(["sub-07_T1w"]) == "07"
    assert read.subject_of(["T1", "s10"]) == "s10"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("subject,age\n", "at least one row"),
        ("subject,age\na,1\na,2\n", "twice"),
        ("subject,age\na,1,2\n", "3 cells"),
        ("subject,age\n,1\n", "row 2"),
        ("subject,age,age\na,1,2\n", "same name"),
    ],
)
def test_tables_that_cannot_be_trusted(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        table(tmp_path, text)


def test_what_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot read"):
        read_table(tmp_path / "absent.csv")
    (tmp_path / "x.csv").write_bytes(b"subject\xff\xfe\n\xe9")
    with pytest.raises(BadInputError, match="UTF-8"):
        read_table(tmp_path / "x.csv")


def test_classes_in_their_own_order() -> None:
    assert classes_of([10.0, 2.0, 2.0, 0.0], "gold") == ("0", "2", "10")
    assert classes_of(["M", "F", "M"], "sex") == ("F", "M")
    assert class_name(2.0) == "2"
    with pytest.raises(UsageError, match="no scan has a value"):
        classes_of([], "gold")
    with pytest.raises(UsageError, match="40 different values"):
        classes_of([float(n) for n in range(40)], "age")
