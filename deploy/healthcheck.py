"""`python -m deploy.healthcheck [HOST:PORT]`: exit code 0 while the node in this container serves.

Asks the admin address, which every role has, for `/readyz`; by default port 8900 of the container's
own address. It runs every few seconds in every container, so it imports next to nothing: it reads
no network file.
"""

import http.client
import socket
import sys

PORT = 8900
_TIMEOUT_S = 2.0


def check(host: str, port: int) -> str | None:
    """What is wrong with the node whose admin address this is; None: nothing."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        # The admin port answers to loopback names whatever the container is called.
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        response = connection.getresponse()
        said = response.read(1_000).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"{host}:{port} does not answer: {error}"
    finally:
        connection.close()
    return None if response.status == http.HTTPStatus.OK else f"{response.status}: {said}"


def main(arguments: list[str]) -> int:
    """The command line: one optional argument."""
    host, _, port = (arguments[0] if arguments else f"{socket.gethostname()}:{PORT}").rpartition(
        ":"
    )
    fault = check(host.strip("[]"), int(port))
    print(fault or "ready")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
