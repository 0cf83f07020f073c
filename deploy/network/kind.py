"""What every kind of value in a network file is: something that reads, refuses and describes.

A kind reads one TOML value or refuses it, saying what was expected and, where it can tell, what
was meant. It also describes itself, for messages and for `docs/network-file.md`. The kinds are in
`hosts.py`, `texts.py` and `units.py`; how they make up tables is in `models.py`.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic_core import PydanticCustomError, core_schema


@dataclass(frozen=True, slots=True)
class Kind:
    """Base of all kinds: what a value must be, and how it is read."""

    label: ClassVar[str]
    """One or two words, for tables."""
    example: ClassVar[str]

    @property
    def expected(self) -> str:
        """What a message says was expected."""
        raise NotImplementedError

    def read(self, value: object) -> Any:
        """The value as the program uses it; raises `refusal` for a wrong one."""
        raise NotImplementedError

    def shown(self, value: Any) -> str:
        """A value that was read, as the file would say it."""
        return f'"{value}"'

    def refusal(self, hint: str = "") -> PydanticCustomError:
        """The error to raise for a value that is not of this kind."""
        return PydanticCustomError("refused", "refused", {"expected": self.expected, "hint": hint})

    def text(self, value: object) -> str:
        """The value, if it is a string."""
        if isinstance(value, str):
            return value
        raise self.refusal()

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> Any:
        return core_schema.no_info_plain_validator_function(self.read)


def write(suggestion: str) -> str:
    """A hint that names the string to write."""
    return f'write "{suggestion}"'
