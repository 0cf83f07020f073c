"""What surrogates announce, as the Edge Architecture Specification writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.aio.site.http.capability import announces_esi


@pytest.mark.parametrize(
    ("lines", "announced"),
    [
        ([], False),
        ([""], False),
        (['midmile="ESI/1.0"'], True),
        (['abc="Surrogate/1.0 ESI/1.0"'], True),
        (['abc="ESI/1.0 Surrogate/1.0"'], True),
        (['abc="Surrogate/1.0"'], False),
        (['abc="Surrogate/1.0", def="Surrogate/1.0 ESI/1.0"'], True),
        (['abc="Surrogate/1.0"', 'def="ESI/1.0"'], True),
        (['abc = "ESI/1.0"'], True),
        (["varnish=ESI/1.0"], True),
        (['abc="ESI/1.00"'], False),
        (['abc="ESI/1.0+"'], False),
        (['abc="XESI/1.0"'], False),
        (['abc="ESI-Inline/1.0"'], False),
        (['abc="esi/1.0"'], False),
        (['"ESI/1.0"'], False),
        (["ESI/1.0"], False),
        (['="ESI/1.0"'], False),
        (['a b="ESI/1.0"'], False),
        (['abc="ESI/1.0'], True),
        (['abc="x, def=ESI/1.0"'], False),
    ],
)
def test_esi_is_announced(lines: list[str], announced: bool) -> None:
    """By a device token and the capability itself, wherever it stands; by nothing that is near."""
    assert announces_esi(lines) is announced


@given(st.lists(st.text(max_size=80), max_size=4))
def test_any_field_is_read(lines: list[str]) -> None:
    """Whatever a client writes, it is announced or it is not."""
    assert announces_esi(lines) in {True, False}
