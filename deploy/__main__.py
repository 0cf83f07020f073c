"""`python -m deploy`: the command line, and the two kinds of child processes."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Tell a child process from a user's command before anything heavy is imported."""
    arguments = sys.argv[1:]
    if len(arguments) == 4 and arguments[2] == "--control":
        sys.exit(_child(arguments[0], int(arguments[3])))
    from deploy.cli import main as command_line

    command_line()
    sys.exit(0)


def _child(kind: str, control: int) -> int:
    import uvloop

    if kind == "worker":
        from deploy.node.worker import run_worker as run
    else:
        from deploy.node.keeper import run_supervised_node as run
    return int(uvloop.run(run(control)))


if __name__ == "__main__":
    main()
