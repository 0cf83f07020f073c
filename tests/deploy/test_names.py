"""Names and addresses."""

import pytest

from deploy.names import Address, url_here


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.1.1", "http://127.0.1.1:8899/"),
        ("::1", "http://[::1]:8899/"),
        ("0.0.0.0", "http://127.0.0.1:8899/"),
        ("::", "http://[::1]:8899/"),
    ],
)
def test_what_listens_everywhere_is_reached_by_loopback(host: str, url: str) -> None:
    """In the same family; any other address is reached by itself."""
    assert url_here(Address(host, 8899)) == url
