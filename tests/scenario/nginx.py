"""Debian's nginx with a folder to serve, as the origin of somebody's own site."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.kit.programs import UNPACKED, need

_CONFIGURATION = """
daemon off;
{user}
pid {home}/nginx.pid;
error_log stderr;
events {{ worker_connections 512; }}
http {{
    include {types};
    access_log off;
    keepalive_requests 100000;
    client_body_temp_path {home};
    proxy_temp_path {home};
    fastcgi_temp_path {home};
    uwsgi_temp_path {home};
    scgi_temp_path {home};
    server {{ listen {address}; root {root}; }}
}}
"""


@asynccontextmanager
async def nginx(root: Path, address: str, home: Path) -> AsyncIterator[None]:
    """Serve the files below `root` at `address`; `home` is for nginx's own files."""
    program = need("nginx", package="nginx", unpack=True)
    unpacked = UNPACKED / "etc" / "nginx" / "mime.types"
    configuration = home / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            user="user root;" if os.geteuid() == 0 else "",
            types=unpacked if unpacked.exists() else "/etc/nginx/mime.types",
            home=home,
            address=address,
            root=root,
        )
    )
    process = await asyncio.create_subprocess_exec(
        program, "-e", "stderr", "-p", home, "-c", configuration, "-g", "",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        _, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
