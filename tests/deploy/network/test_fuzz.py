"""Whatever a network file holds, its reader answers with a network or with our own error."""

import string
import tomllib

from hypothesis import given
from hypothesis import strategies as st

from tests.deploy.networks import DEMO, complaints

_VALUES = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(["east", "20s", "256MiB", "127.0.0.1:80", "[::1]:1", "http://a", "*", "/"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["http", "name", "role", "dns"]), inner, max_size=3),
    ),
    max_leaves=6,
)


def _toml(value: object) -> str:
    """A value as TOML."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return '"' + "".join(f"\\U{ord(character):08x}" for character in value) + '"'
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}"
        case _:
            return str(value)


@given(st.data())
def test_any_value_anywhere_is_taken_or_refused(data: st.DataObject) -> None:
    """A line of the demo file with any value is right, or refused in lines that can be printed."""
    lines = DEMO.splitlines()
    places = [number for number, line in enumerate(lines) if " = " in line and line[0] != "#"]
    place = data.draw(st.sampled_from(places))
    value = data.draw(_VALUES.filter(_has_no_surrogates))
    lines[place] = f"{lines[place].partition(' = ')[0]} = {_toml(value)}"
    text = "\n".join(lines)
    tomllib.loads(text)
    for line in complaints(text):
        assert line.isprintable()


def _has_no_surrogates(value: object) -> bool:
    return str(value).isascii() or "\\ud" not in ascii(value)


@given(st.text(alphabet=string.printable + "\u202eé", max_size=200))
def test_any_text_is_taken_or_refused(text: str) -> None:
    """Nothing but our own error comes out, one printable line a problem."""
    for line in complaints(text):
        assert line.isprintable()
