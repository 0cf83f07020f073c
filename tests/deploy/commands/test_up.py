"""What `midmile up` tells its user when the network runs."""

from deploy.commands.up import table
from deploy.names import Address
from deploy.plan import NetworkPlan

NETWORK = NetworkPlan(
    name="demo",
    nodes=(),
    status=Address("127.0.0.1", 8899),
    pointers=(("browser", "http://shop.localhost:8080/"), ("", "x" * 100), ("status", "midmile")),
)


def test_the_table_is_a_line_for_each_pointer() -> None:
    """In two columns; a long command is not broken, so that it can be copied."""
    assert table(NETWORK, colour=False).splitlines() == [
        "",
        "  demo is up: 0 nodes",
        "",
        "  browser  http://shop.localhost:8080/",
        "           " + "x" * 100,
        "  status   midmile",
        "",
    ]


def test_a_terminal_gets_it_in_colour() -> None:
    """The name stands out, what is to be copied is plain."""
    title, _, row = table(NETWORK, colour=True).splitlines()[1:4]
    assert title == "  \x1b[1mdemo is up: 0 nodes\x1b[0m"
    assert row == "  \x1b[36mbrowser  \x1b[0mhttp://shop.localhost:8080/"
