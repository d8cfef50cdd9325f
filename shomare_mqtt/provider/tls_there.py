"""Whether a server that answers nothing over plain HTTP speaks TLS: then `provider.base_url` lacks the s of https."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yarl import URL

_WITHIN = 3.0
HINT = "it speaks TLS there: provider.base_url should begin with https://"


async def speaks_tls(address: URL) -> bool:
    """Whether it answers a TLS handshake, whatever its certificate; nothing else is sent, and nothing believed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(_WITHIN):
            _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
