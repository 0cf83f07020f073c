"""What aiohttp and the operating system say of an upstream, in one short line of our own.

Theirs hold addresses of Python objects, line breaks and bytes of strangers. Which reason a failure
has is decided where it is met.
"""

import os
import socket
import ssl

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

_HTTP = b"HTTP/"


def no_connection(error: Exception) -> str:
    """Why there is no connection."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"certificate refused: {_certificate(error.certificate_error)}"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(error, aiohttp.ClientConnectorDNSError) or isinstance(cause, socket.gaierror):
        return "its name has no address"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"certificate refused: {_certificate(cause)}"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed: {_words(cause.reason or '') or type(cause).__name__}"
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno).lower()
    return f"no connection ({type(cause).__name__})"


def too_late(seconds: float) -> str:
    """Nothing came for so long."""
    return f"timed out after {seconds:g} s"


def no_answer(error: HttpProcessingError, began: bytes) -> str:
    """Why what begins with `began` is no response that can be read."""
    if not began.startswith(_HTTP[: len(began)]):
        return f"not an HTTP answer: {began.hex(' ')}"
    # llhttp's parser says what is wrong, then shows where; of a status line, under a heading.
    lines = [line.strip().rstrip(":") for line in error.message.splitlines()]
    said = [line for line in lines if line and line != "Bad status line"]
    return f"malformed answer: {_plain(said[0].lower()) if said else type(error).__name__}"


def _certificate(error: Exception) -> str:
    said = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error)
    return _plain(said.rstrip("."))


def _words(reason: str) -> str:
    """OpenSSL's `WRONG_VERSION_NUMBER`."""
    return reason.lower().replace("_", " ")


def _plain(text: str) -> str:
    """One line, and not a long one."""
    return "".join(each if each.isprintable() else "?" for each in text)[:100]
