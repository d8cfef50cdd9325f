"""The files of `[mqtt.tls]`: read with the settings, so that a wrong one is said at once, and for each connection."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Certificates are always verified, and the name in them. Raises ValueError where the file holds no certificate."""
    if ca_file is None:
        return ssl.create_default_context()
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise ValueError(f"no certificate can be read from {ca_file} ({_why(error)})") from None
    # Python 3.13 turns on checks of form that authorities made at home, as mosquitto's own guide makes them, fail.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def show_certificate(context: ssl.SSLContext, cert_file: Path, key_file: Path | None) -> None:
    """Makes a context show the client certificate. Raises ValueError where it cannot."""
    try:
        # An empty pass phrase, so that an encrypted key is an error and not a question on a terminal.
        context.load_cert_chain(cert_file, key_file, password="")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"no certificate with its key, unencrypted, can be read from {cert_file} and {key_file or cert_file} "
            f"({_why(error)})"
        ) from None


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or type(error).__name__
