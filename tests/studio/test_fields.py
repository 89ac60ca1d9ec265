"""Fields take what is in their range, as a value or as text, and say what is allowed about everything else."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.studio import Field, FieldError

NUMBER = Field(key="a.b", label="B", help="-", kind="number", low=-5.0, high=5.0, unit="m")
RANGE = Field(key="a.b", label="B", help="-", kind="range", low=-5.0, high=5.0)
WHOLE = Field(key="a.b", label="B", help="-", kind="integer", low=0, high=2**64 - 1)
CHOICE = Field(key="a.b", label="B", help="-", kind="choice", choices=("left", "right"))
TOGGLE = Field(key="a.b", label="B", help="-", kind="toggle")
FLOATS = st.floats(-5.0, 5.0)


@given(FLOATS)
def test_a_number_comes_back_from_its_text(value: float):
    """What is shown is read back as the very same number."""
    assert NUMBER.check(NUMBER.show(NUMBER.check(value))) == value


@given(FLOATS, FLOATS)
def test_a_range_comes_back_from_its_text(one: float, other: float):
    """So are both ends of a range, in order."""
    ends = (min(one, other), max(one, other))
    assert RANGE.check(RANGE.show(RANGE.check(list(ends)))) == ends


@given(st.integers(0, 2**64 - 1))
def test_whole_numbers_are_exact(value: int):
    """Seeds have 64 bits, more than a float holds."""
    assert WHOLE.check(str(value)) == WHOLE.check(value) == value


@given(st.text(max_size=20))
def test_text_never_becomes_a_number_outside(text: str):
    """Whatever is typed, what enters lies within the limits, and a refusal speaks of the field."""
    try:
        assert -5.0 <= NUMBER.check(text) <= 5.0
    except FieldError as error:
        assert error.key == "a.b" and "from -5 to 5 m" in error.message


@pytest.mark.parametrize(
    "field, value, part",
    [
        (NUMBER, "5.1", "from -5 to 5 m"),
        (NUMBER, "1e400", "finite"),
        (NUMBER, math.nan, "finite"),
        (NUMBER, "1,5", "a number from"),
        (NUMBER, True, "a number from"),
        (NUMBER, None, "a number from"),
        (WHOLE, "1.5", "a whole number"),
        (WHOLE, "-1", "a whole number"),
        (RANGE, "2 1", "low 2 is above high 1"),
        (RANGE, "1", "got 1 numbers"),
        (RANGE, (1, 2, 3), "got 3 numbers"),
        (RANGE, 4.0, "low, high"),
        (CHOICE, "lft", "did you mean 'left'"),
        (TOGGLE, "maybe", "true or false"),
        (Field(key="a.b", label="B", help="-", kind="text"), " ", "is empty"),
        (Field(key="a.b", label="B", help="-", kind="text"), "a\0b", "printable"),
        (Field(key="a.b", label="B", help="-", kind="path"), "--out", "a path below the workspace"),
    ],
)
def test_what_is_refused_says_what_is_allowed(field: Field, value: object, part: str):
    """Every refusal names what may be given instead."""
    with pytest.raises(FieldError, match=".*") as caught:
        field.check(value)
    assert part in caught.value.message


def test_an_optional_field_may_be_empty():
    """Empty means that the tool decides."""
    field = Field(key="a.b", label="B", help="-", kind="integer", low=1, high=9, optional=True)
    assert field.check("") is None and field.check(None) is None and field.show(None) == ""
