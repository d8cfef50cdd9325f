"""The proxy that requests to the provider go through: which it is, and whether it is there."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from shomare_mqtt.doctor.finding import Finding, bad, good
from shomare_mqtt.provider.transport import proxy_of

if TYPE_CHECKING:
    from shomare_mqtt.config import Settings

REACHED_WITHIN = 5.0


async def of_proxy(settings: Settings) -> Finding | None:
    """Whether somebody listens there; None where requests go straight. Raises SettingsError."""
    proxy = proxy_of(settings.provider)
    if proxy is None:
        return None
    named = "provider.proxy" if settings.provider.proxy else "the environment's http_proxy, https_proxy or all_proxy"
    said = f"requests go through {proxy.host}:{proxy.port} ({named})"
    try:
        async with asyncio.timeout(REACHED_WITHIN):
            _, writer = await asyncio.open_connection(proxy.host, proxy.port)
    except TimeoutError:
        why = f"it does not answer within {REACHED_WITHIN:g} seconds"
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
    else:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return good("proxy", f"{said}, and somebody listens there")
    advice = f"is it running? Put {named} right, or take it out (no_proxy names hosts that need none)"
    return bad("proxy", f"{said}, which cannot be reached: {why}", advice)
