"""What `init` asks for, and what comes of trying it: the broker by a connection, the token by asking for the account.

An answer that does not work is asked for again. The same answer once more is kept: the broker or the net may be away
for now, and nobody has to answer for ever.
"""

from __future__ import annotations

import asyncio
import re
import signal
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr, ValidationError

from shomare_mqtt.config import Mqtt
from shomare_mqtt.core.masking import Mask
from shomare_mqtt.core.render import money_said
from shomare_mqtt.doctor.asking import ask_for_profile
from shomare_mqtt.doctor.broker import CONNECTED_WITHIN, address, advice_on
from shomare_mqtt.doctor.finding import State
from shomare_mqtt.doctor.likely_secrets import hidden
from shomare_mqtt.doctor.provider import of_token, reached
from shomare_mqtt.model import Endpoint
from shomare_mqtt.mqtt.client import Client
from shomare_mqtt.mqtt.failures import BrokerUnreachableError, ConnectRefusedError, HungUpError, LinkError
from shomare_mqtt.normalization import visible

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from shomare_mqtt.cli.terminal import Terminal
    from shomare_mqtt.config import Settings
    from shomare_mqtt.doctor.asking import Answers

Result = TypeVar("Result")

TLS_PORT = 8883
_LARGEST_PORT = 65535
_ADDRESS = re.compile(r"(?:(?P<scheme>mqtts?)://)?(?P<host>[^:/@\[\]]+|\[[^\]/@]+\])(?::(?P<port>\d{1,5}))?/?")
_AGAIN = "Please answer again. If you give the same answer a second time, it is kept although it did not work."


@dataclass(frozen=True, slots=True, repr=False)
class Answered:
    """The broker: its settings without the password."""

    mqtt: Mqtt
    password: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of an attempt. `mqtt`: the settings it was made with, TLS as it was found; `error` None: connected."""

    mqtt: Mqtt
    error: LinkError | None = None
    protocol: str = ""

    @property
    def is_there(self) -> bool:
        """Whether a broker answered, whatever it said."""
        return self.error is None or isinstance(self.error, ConnectRefusedError)

    @property
    def is_distrusted(self) -> bool:
        """Whether it showed a certificate that nobody vouches for; the library's error stands behind ours."""
        behind = self.error.__context__ if isinstance(self.error, BrokerUnreachableError) else None
        return isinstance(behind, ssl.SSLCertVerificationError)


def ask_for_broker(terminal: Terminal, known: Mqtt) -> Answered:
    """Host, port, user and password. `known`: what the environment says of the broker. Raises EOFError."""
    terminal.say("\nThe MQTT broker (mosquitto, for example):")
    seen = _ask_for_place(terminal, known.model_copy(update={"username": None, "password": None}))
    return _ask_for_user(terminal, seen)


def _ask_for_place(terminal: Terminal, known: Mqtt) -> Seen:
    before: Mqtt | None = None
    while True:
        mqtt = _place(terminal, before or known)
        terminal.say(f"Trying {address(mqtt)} …")
        seen = _tried(_look(mqtt))
        if seen.is_distrusted:
            terminal.say(_sentence(seen))
            seen = _ask_for_authority(terminal, seen)
        else:
            terminal.say(_sentence(seen))
        if seen.is_there:
            return seen
        if before is not None and (mqtt.host, mqtt.port) == (before.host, before.port):
            terminal.say("Kept all the same.")
            return seen
        terminal.say(_AGAIN)
        before = mqtt


def _place(terminal: Terminal, usual: Mqtt) -> Mqtt:
    """Host and port, which may come together. Asks until they can be right."""
    host, port, secured = _ask_for_host(terminal, usual)
    while not (port and port.isascii() and port.isdecimal() and 0 < int(port) <= _LARGEST_PORT):
        if port:
            terminal.say(f"A port is a number from 1 to {_LARGEST_PORT}.")
        port = terminal.ask("Port", str(TLS_PORT if secured and usual.port is None else usual.effective_port))
    tls = usual.tls.model_copy(update={"enabled": secured or int(port) == TLS_PORT})
    return usual.model_copy(update={"host": host, "port": int(port), "tls": tls})


def _ask_for_host(terminal: Terminal, usual: Mqtt) -> tuple[str, str, bool]:
    """The host, the port where it was said with it, and whether TLS was."""
    while True:
        said = terminal.ask("Host", usual.host)
        found = _ADDRESS.fullmatch(said)
        host = found["host"].strip("[]") if found else said
        try:
            Mqtt.model_validate({"host": host})
        except ValidationError as error:
            terminal.say(f"The host {_complaint(error)}.")
            continue
        secured = usual.tls.enabled or (found is not None and found["scheme"] == "mqtts")
        return host, (found["port"] or "") if found else "", secured


def _complaint(error: ValidationError) -> str:
    return error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")


def _tried(what: Coroutine[Any, Any, Result]) -> Result:
    """What comes of an attempt. Raises KeyboardInterrupt.

    Ctrl-C is held back while asyncio sets its things up and puts them away: in the midst of that it would leave half of
    a loop, which complains with a traceback as it is collected.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return asyncio.run(_heeding_ctrl_c(what))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


async def _heeding_ctrl_c(what: Coroutine[Any, Any, Result]) -> Result:
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        return await what
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


async def _look(mqtt: Mqtt) -> Seen:
    """Try it as it is, and the other way where it is TLS that may be wanted or missing; nobody's name is sent yet."""
    seen = await _try(mqtt)
    if seen.is_there or seen.is_distrusted:
        return seen
    behind = seen.error.__context__ if seen.error is not None else None
    if isinstance(seen.error, HungUpError) or not isinstance(behind, OSError) or _may_be_tls(behind, mqtt):
        tls = mqtt.tls.model_copy(update={"enabled": not mqtt.tls.enabled})
        other = await _try(mqtt.model_copy(update={"tls": tls}))
        if other.is_there or other.is_distrusted:
            return other
    return seen


def _may_be_tls(error: OSError, mqtt: Mqtt) -> bool:
    """Whether a connection was made, and ended as it does where one side alone speaks TLS."""
    return isinstance(error, ssl.SSLError | ConnectionResetError) or (
        mqtt.tls.enabled and isinstance(error, TimeoutError)
    )


async def _try(mqtt: Mqtt) -> Seen:
    try:
        async with asyncio.timeout(CONNECTED_WITHIN), Client(mqtt) as client:
            return Seen(mqtt, None, client.protocol)
    except LinkError as error:
        return Seen(mqtt, error)
    except TimeoutError:
        return Seen(mqtt, HungUpError(f"no answer within {CONNECTED_WITHIN:g} seconds", silent=True))


def _ask_for_authority(terminal: Terminal, seen: Seen) -> Seen:
    """A certificate that the owner made: a file says who signed it."""
    file = terminal.ask("File with the certificate of who signed it, for example ca.crt (empty: none)")
    if not file:
        return seen
    try:
        tls = seen.mqtt.tls.model_validate({"enabled": True, "ca_file": file})
    except ValidationError as error:
        terminal.say(f"{visible(_complaint(error))}.")
        return seen
    tls = tls.model_copy(update={"ca_file": tls.ca_file and tls.ca_file.absolute()})
    with_file = _tried(_try(seen.mqtt.model_copy(update={"tls": tls})))
    terminal.say(_sentence(with_file))
    return with_file


def _sentence(seen: Seen) -> str:
    where, error = address(seen.mqtt), seen.error
    where = f"{where[0].upper()}{where[1:]}"
    secured = "encrypted (TLS)" if seen.mqtt.tls.enabled else "not encrypted (no TLS)"
    if error is None:
        user = "takes the user name" if seen.mqtt.username else "lets in who names no user"
        return f"{where} answers over MQTT {seen.protocol}, {secured}, and {user}."
    if isinstance(error, ConnectRefusedError) and error.is_credentials and seen.mqtt.username is None:
        return f"{where} answers, {secured}, and asks who connects."
    if isinstance(error, ConnectRefusedError) and error.is_credentials:
        return f"{where} refuses this user name or this password: {visible(str(error))}."
    return f"{where}: {visible(str(error))}. {_capital(advice_on(error, seen.mqtt))}"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _ask_for_user(terminal: Terminal, seen: Seen) -> Answered:
    before: tuple[str, str] | None = None
    while True:
        name = terminal.ask("User name (empty: none)")
        password = terminal.ask("Password (not shown)", hidden=True) if name else ""
        if wrong := _not_of_one_line(password) or (not name.isprintable() and "The user name is not plain text."):
            terminal.say(wrong)
            continue
        mqtt = seen.mqtt.model_copy(update={"username": name or None})
        if not seen.is_there:
            terminal.say("Not tried, since the broker was not reached.")
            return Answered(mqtt, password)
        if not name and seen.error is None:
            return Answered(mqtt)
        secret = SecretStr(password) if password else None
        tried = _tried(_try(mqtt.model_copy(update={"password": secret})))
        terminal.say(_sentence(tried))
        if tried.error is None:
            return Answered(mqtt, password)
        if (name, password) == before:
            terminal.say("Kept all the same.")
            return Answered(mqtt, password)
        terminal.say(_AGAIN)
        before = name, password


def _not_of_one_line(secret: str) -> str | None:
    """What a file that holds one secret cannot hold."""
    if secret != secret.strip() or not secret.isprintable():
        return "A password that begins or ends with a space, or holds what cannot be printed, is not taken."
    return None


def ask_for_token(terminal: Terminal, environment: Settings) -> str:
    """The account's token. Raises EOFError."""
    terminal.say(
        "\nThe account's token: on the provider's site, in your account's menu, under the settings of the API."
    )
    before = ""
    while True:
        token = terminal.ask("Token (not shown)", hidden=True).strip() or before
        if not token or not token.isprintable():
            terminal.say("A token is needed." if not token else "A token is plain text of one line.")
            continue
        terminal.say("Asking the provider for the account …")
        said, is_taken = _tried(_try_token(environment, token))
        terminal.say(said)
        if is_taken:
            return token
        if token == before:
            terminal.say("Kept all the same.")
            return token
        terminal.say(
            "Please answer again. Enter alone, or the same token a second time, keeps it although it did not work."
        )
        before = token


async def _try_token(environment: Settings, token: str) -> tuple[str, bool]:
    """A sentence on what the provider says, and whether it takes the token."""
    provider = environment.provider.model_copy(update={"token": SecretStr(token)})
    settings = environment.model_copy(update={"provider": provider})
    answers = await ask_for_profile(settings, token)
    if Endpoint.PROFILE in answers.results:
        return _account(answers, settings), True
    mask = Mask(settings.tokens(), settings.secrets())
    finding = reached(settings, answers, mask)
    if finding.state is State.BAD:
        return visible(mask.text(f"The provider at {finding.text}. {_capital(finding.advice)}.")), False
    if (finding := of_token(answers)).state is State.BAD:
        return f"{_capital(finding.text)}.", False
    error = answers.errors[Endpoint.PROFILE]
    return f"The provider's answer tells nothing of the token: {visible(hidden(error.message, mask))}.", False


def _account(answers: Answers, settings: Settings) -> str:
    profile = answers.results[Endpoint.PROFILE]
    if profile.balance is None:
        return "The provider takes it. Its answer's balance was not understood; `shomare-mqtt doctor` shows the answer."
    mask = Mask(settings.tokens(), settings.secrets())
    unit = visible(hidden(profile.currency or settings.provider.currency, mask))
    return f"The provider takes it. Balance: {money_said(profile.balance, unit)}."
