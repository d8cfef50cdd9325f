"""TLS, unix sockets, WebSockets, and MQTT 3.1.1, on real brokers."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from shomare_mqtt.config import Mqtt, Tls
from shomare_mqtt.model import Message
from shomare_mqtt.mqtt import client as client_module
from shomare_mqtt.mqtt import connection, secured, transport
from shomare_mqtt.mqtt.client import Client
from shomare_mqtt.mqtt.connection import open_link
from shomare_mqtt.mqtt.failures import BrokerUnreachableError, LinkError
from shomare_mqtt.mqtt.packets import Opening
from tests.mosquitto import Mosquitto, free_port
from tests.old_broker import old_broker
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.mqtt.conftest import Watched

    Watch = Callable[..., Watched]


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def certificate(folder: Path, name: str, subject_alternative: str) -> None:
    """A key and a certificate of our own authority."""
    (folder / "ext").write_text(f"subjectAltName={subject_alternative}\n")
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "ext", "-out", f"{name}.crt")  # fmt: skip


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=our own authority", "-keyout", "ca.key", "-out", "ca.crt")  # fmt: skip
    certificate(folder, "server", "DNS:localhost,IP:127.0.0.1")
    certificate(folder, "elsewhere", "DNS:elsewhere.example")
    certificate(folder, "client", "DNS:client")
    openssl(folder, "ec", "-in", "client.key", "-aes128", "-passout", "pass:secret", "-out", "locked.key")
    (folder / "broken.crt").write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    return folder


def tls_broker(tmp_path: Path, certificates: Path, *lines: str, name: str = "server") -> Mosquitto:
    files = [
        f"cafile {certificates}/ca.crt",
        f"certfile {certificates}/{name}.crt",
        f"keyfile {certificates}/{name}.key",
    ]
    return Mosquitto(tmp_path, listener=[*files, *lines])


def tls(certificates: Path, **names: str) -> dict[str, object]:
    return {"enabled": True} | {key: certificates / name for key, name in names.items()}


@pytest.mark.mosquitto
async def test_tls_with_an_authority_of_our_own(tmp_path: Path, certificates: Path, watch: Watch) -> None:
    async with tls_broker(tmp_path, certificates) as broker:
        watched = watch(broker.settings(tls=tls(certificates, ca_file="ca.crt")))
        await watched.connected()
        async with Client(broker.settings(host="localhost", tls=tls(certificates, ca_file="ca.crt"))) as client:
            await client.publish("query/orders", b"x" * 500_000)
            assert len((await watched.message()).payload) == 500_000
            await client.subscribe("event")
            await watched.session.publish(Message("event", b"y" * 500_000))
            assert len((await anext(client)).payload) == 500_000


@pytest.mark.mosquitto
async def test_tls_certificates_that_are_not_accepted(tmp_path: Path, certificates: Path) -> None:
    async with tls_broker(tmp_path, certificates) as broker:
        with pytest.raises(
            BrokerUnreachableError, match=r"certificate is not accepted: (unable to get local|self.signed)"
        ):
            await Client(broker.settings(tls=tls(certificates))).__aenter__()


@pytest.fixture
def _asked_patiently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secured, "_WITHIN", PATIENCE)


@pytest.mark.mosquitto
@pytest.mark.usefixtures("_asked_patiently")
@pytest.mark.parametrize("more", [(), ("require_certificate true",)], ids=["", "with a client certificate"])
@pytest.mark.parametrize("kind", ["tcp", "websockets"])
async def test_a_port_with_tls_that_is_asked_without(
    tmp_path: Path, certificates: Path, kind: str, more: tuple[str, ...]
) -> None:
    async with tls_broker(tmp_path, certificates, *more) as broker:
        with pytest.raises(LinkError) as caught:
            await Client(broker.settings(transport=kind)).__aenter__()
    said = str(caught.value)
    assert said.startswith(f"its port {broker.port} speaks TLS, and mqtt.tls.enabled is false: ")
    usual = " (usually 1883)" if kind == "tcp" else ""
    assert said.endswith(f"set mqtt.tls.enabled = true, or mqtt.port to the broker's port without TLS{usual}")


@pytest.mark.mosquitto
@pytest.mark.usefixtures("_asked_patiently")
@pytest.mark.parametrize("kind", ["tcp", "websockets"])
async def test_a_port_without_tls_that_is_asked_with(tmp_path: Path, certificates: Path, kind: str) -> None:
    async with Mosquitto(tmp_path, websocket=True) as broker:
        port = broker.port if kind == "tcp" else broker.websocket_port
        with pytest.raises(LinkError) as caught:
            await Client(broker.settings(transport=kind, port=port, tls=tls(certificates))).__aenter__()
    said = str(caught.value)
    language, usual = ("MQTT", " (usually 8883)") if kind == "tcp" else ("HTTP", "")
    assert said.startswith(f"its port {port} speaks {language} without TLS, and mqtt.tls.enabled is true: ")
    assert said.endswith(f"set mqtt.tls.enabled = false, or mqtt.port to the broker's port with TLS{usual}")


@pytest.mark.mosquitto
@pytest.mark.usefixtures("_asked_patiently")
async def test_the_daemon_says_what_port_it_has(tmp_path: Path, watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    async with Mosquitto(tmp_path) as broker:
        watched = watch(broker.settings(tls={"enabled": True}))
        async with asyncio.timeout(PATIENCE):
            await watched.session.first_attempt.wait()
    assert "speaks MQTT without TLS" in caplog.text


async def test_a_port_that_says_nothing_of_either(certificates: Path) -> None:
    """It hangs up on everybody: what can be said is what may be."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LinkError, match=f"port {port} may be one without TLS: then set mqtt.tls.enabled = false"):
            await Client(Mqtt.model_validate({"port": port, "tls": tls(certificates)})).__aenter__()
        with pytest.raises(LinkError) as caught:
            await Client(Mqtt.model_validate({"port": port, "protocol": "3.1.1"})).__aenter__()
    assert "TLS" not in str(caught.value)


async def test_a_port_that_speaks_both_ways_before_an_old_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """That TLS is spoken there too is no reason to leave out what a broker that hangs up on MQTT 5 is asked else."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read(4096)
        if asked[:1] == b"\x16":
            writer.write(b"\x15\x03\x03\x00\x02\x02\x28")  # an alert: TLS, but not with this client
        elif asked[asked.index(b"MQTT") + 4] == 4:
            writer.write(b"\x20\x02\x00\x00")
            await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setattr(connection, "PORTS_OF_TLS", {port})
        async with Client(Mqtt.model_validate({"port": port})) as client:
            assert client.protocol == "3.1.1"


async def test_a_port_for_tls_that_is_away_is_no_reason_to_do_without(
    certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while a broker behind a proxy starts again: nobody is to be told to turn TLS off then."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setattr(secured, "PORTS_OF_TLS", {port})
        with pytest.raises(LinkError) as caught:
            await Client(Mqtt.model_validate({"port": port, "tls": tls(certificates)})).__aenter__()
    assert "mqtt.tls.enabled" not in str(caught.value)


async def test_nothing_secret_goes_to_a_port_that_is_asked_once_more_without_tls(certificates: Path) -> None:
    """Once for each attempt, and in the clear: so no user name and no password."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4096))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        account = {"username": "somebody", "password": "geheim-4711"}
        with pytest.raises(LinkError):
            await Client(Mqtt.model_validate({"port": port, "tls": tls(certificates), **account})).__aenter__()
    assert [each[:1] for each in heard] == [b"\x16", b"\x10"]
    assert not any(secret.encode() in each for secret in account.values() for each in heard)


@pytest.mark.mosquitto
async def test_tls_verifies_the_name(tmp_path: Path, certificates: Path) -> None:
    async with tls_broker(tmp_path, certificates, name="elsewhere") as broker:
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(BrokerUnreachableError, match=r"(IP address|Hostname) mismatch"):
                await Client(broker.settings(host=host, tls=tls(certificates, ca_file="ca.crt"))).__aenter__()


@pytest.mark.mosquitto
async def test_a_client_certificate(tmp_path: Path, certificates: Path) -> None:
    async with tls_broker(
        tmp_path, certificates, "require_certificate true", "use_identity_as_username true"
    ) as broker:
        keys = tls(certificates, ca_file="ca.crt", cert_file="client.crt", key_file="client.key")
        async with Client(broker.settings(tls=keys)) as client:
            await client.publish("x", b"y")
        assert "u'client'" in broker.log.read_text()
        with pytest.raises(LinkError, match=r"(?i)certificate|broke|TLS"):
            await Client(broker.settings(tls=tls(certificates, ca_file="ca.crt"))).__aenter__()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"ca_file": "broken.crt"}, r"ca_file\n.*no certificate can be read from .*broken\.crt"),
        ({"cert_file": "broken.crt", "key_file": "client.key"}, r"key_file\n.*broken\.crt"),
        ({"cert_file": "client.crt", "key_file": "server.key"}, r"key_file\n.*server\.key"),
        ({"cert_file": "client.crt", "key_file": "locked.key"}, r"key_file\n.*locked\.key"),
        ({"cert_file": "client.crt"}, r"key_file\n.*client\.crt and .*client\.crt"),
    ],
)
def test_tls_files_that_are_no_such_thing(certificates: Path, names: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Tls.model_validate(tls(certificates, **names))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("ca.crt", r"mqtt\.tls: no certificate can be read from .*ca\.crt"),
        ("client.key", r"mqtt\.tls: no certificate with its key, .*client\.key"),
    ],
)
async def test_tls_files_that_break_while_the_daemon_runs_are_said_and_tried_again(
    tmp_path: Path, certificates: Path, watch: Watch, caplog: pytest.LogCaptureFixture, broken: str, said: str
) -> None:
    """Whoever renews certificates may be half way through."""
    caplog.set_level(logging.WARNING)
    for name in ("ca.crt", "client.crt", "client.key"):
        shutil.copy(certificates / name, tmp_path)
    files = tls(tmp_path, ca_file="ca.crt", cert_file="client.crt", key_file="client.key")
    settings = Mqtt.model_validate({"port": free_port(), "tls": files})
    (tmp_path / broken).write_text("")
    watched = watch(settings, pause=None)
    await asyncio.wait_for(watched.session.first_attempt.wait(), PATIENCE)
    (line,) = caplog.messages
    assert re.search(said, line), line


@pytest.mark.mosquitto
async def test_tls_against_a_broker_without(tmp_path: Path, certificates: Path) -> None:
    async with Mosquitto(tmp_path) as broker:
        with pytest.raises(BrokerUnreachableError):
            await Client(broker.settings(tls=tls(certificates, ca_file="ca.crt"))).__aenter__()


async def test_cancelled_while_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes the connection and never shakes hands: who is cancelled does not wait for the thread."""
    monkeypatch.setattr(transport, "OPEN_TIMEOUT", 2 * PATIENCE)
    arrived, over = asyncio.Event(), asyncio.Event()

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await over.wait()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    settings = Mqtt(port=server.sockets[0].getsockname()[1], tls={"enabled": True})
    opening = asyncio.create_task(transport.open_stream(settings))
    await arrived.wait()
    opening.cancel()
    done, _ = await asyncio.wait((opening,), timeout=PATIENCE)
    over.set()
    assert done
    assert opening.cancelled()
    await asyncio.get_running_loop().shutdown_default_executor()
    server.close()


async def test_a_connection_made_after_all_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[transport.Opened] = []
    released, really_open = threading.Event(), transport._open

    def slow(settings: Mqtt) -> transport.Opened:
        released.wait(PATIENCE)
        made.append(really_open(settings))
        return made[0]

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        closed.set()

    monkeypatch.setattr(transport, "_open", slow)
    closed = asyncio.Event()
    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    opening = asyncio.create_task(transport.open_stream(Mqtt(port=server.sockets[0].getsockname()[1])))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    released.set()
    await asyncio.wait_for(closed.wait(), PATIENCE)
    assert made[0].stream.fileno() == -1
    server.close()


@pytest.mark.mosquitto
async def test_a_unix_socket(tmp_path: Path, watch: Watch) -> None:
    async with Mosquitto(tmp_path, unix=tmp_path / "broker.sock") as broker:
        settings = broker.settings(transport="unix", path=str(broker.unix))
        await watch(settings).connected()
        assert "unix:" in transport.address(settings)
    with pytest.raises(BrokerUnreachableError):
        await Client(settings).__aenter__()


@pytest.mark.mosquitto
@pytest.mark.parametrize("path", [None, "/mqtt", "mqtt"])
async def test_a_websocket(tmp_path: Path, watch: Watch, path: str | None) -> None:
    async with Mosquitto(tmp_path, websocket=True) as broker:
        settings = broker.settings(transport="websockets", port=broker.websocket_port, path=path)
        watched = watch(settings)
        assert (await watched.connected()).protocol == "5"
        async with Client(settings) as client:
            await client.subscribe("event")
            for size in (0, 1, 100, 125, 126, 70_000, 1_900_000):
                await watched.session.publish(Message("event", b"x" * size))
                assert (await anext(client)).payload == b"x" * size
            await client.publish("buy", b"z" * 300_000)
            assert (await watched.message()).payload == b"z" * 300_000


@pytest.mark.mosquitto
async def test_a_websocket_at_another_path(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path, websocket=True) as broker:
        settings = broker.settings(transport="websockets", port=broker.websocket_port, path="/elsewhere")
        with pytest.raises(BrokerUnreachableError, match="/elsewhere answered with HTTP status 404"):
            await Client(settings).__aenter__()
        with pytest.raises(BrokerUnreachableError, match="WebSocket handshake failed"):
            await Client(broker.settings(transport="websockets")).__aenter__()


# --- MQTT 3.1.1 ------------------------------------------------------------------------------------------------------


async def session_left(broker: Mosquitto) -> bool:
    """Whether the broker still keeps a session of ours."""
    opening = Opening("3.1.1", "shomare-mqtt-shomare", clean=False)
    link = await open_link(broker.settings(), opening, lambda *_: None)
    link.close()
    return link.facts.session_present


@pytest.mark.mosquitto
async def test_3_1_1_begins_a_new_session_with_each_process(tmp_path: Path, watch: Watch) -> None:
    async with Mosquitto(tmp_path) as broker:
        first = watch(broker.settings(protocol="3.1.1"))
        facts = await first.connected()
        assert (facts.session_present, facts.session, facts.receive_maximum) == (False, 1, 20)
        await first.end()
        async with Client(broker.settings()) as client:
            await client.publish("buy", b"out of last week's queue")
        second = watch(broker.settings(protocol="3.1.1"))
        assert not (await second.connected()).session_present
        async with Client(broker.settings()) as client:
            await client.publish("buy", b"new")
        assert (await second.message()).payload == b"new"


@pytest.mark.mosquitto
async def test_3_1_1_keeps_the_queue_over_a_short_break(tmp_path: Path, watch: Watch) -> None:
    async with Mosquitto(tmp_path) as broker:
        watched = watch(broker.settings(protocol="3.1.1"), pause=0.3)
        await watched.connected()
        assert watched.session._link is not None
        watched.session._link.close()
        await watched.ended()
        async with Client(broker.settings()) as client:
            await client.publish("buy", b"meanwhile")
        facts = await watched.connected()
        assert (facts.session_present, facts.session) == (True, 1)
        assert (await watched.message()).payload == b"meanwhile"


@pytest.mark.mosquitto
async def test_3_1_1_a_clean_stop_leaves_no_session(tmp_path: Path, watch: Watch) -> None:
    async with Mosquitto(tmp_path) as broker:
        watched = watch(broker.settings(protocol="3.1.1"))
        await watched.connected()
        await watched.session.stop()
        await watched.task
        assert not await session_left(broker)
        assert await session_left(broker)  # the question itself leaves one: it does ask


@pytest.fixture
async def amqtt_ports() -> AsyncIterator[tuple[int, int]]:
    """A broker that has only MQTT 3.1.1, over TCP and WebSocket."""
    async with old_broker("tcp", "ws") as (tcp, web):
        yield tcp, web


@pytest.mark.parametrize("kind", ["tcp", "websockets"])
async def test_amqtt_falls_back_to_3_1_1(
    amqtt_ports: tuple[int, int], watch: Watch, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "SILENCE", 2 * PATIENCE)  # it is refused, not left without an answer
    settings = Mqtt.model_validate({"port": amqtt_ports[kind == "websockets"], "transport": kind})
    watched = watch(settings)
    assert (await watched.connected()).protocol == "3.1.1"
    async with Client(settings) as client:
        assert client.protocol == "3.1.1"
        await client.subscribe("event")
        await client.publish("buy", b"{}", expiry=5)
        assert (await watched.message()).payload == b"{}"
        await watched.session.publish(Message("event", b"x" * 100_000, correlation=b"is left out"))
        assert (await anext(client)).payload == b"x" * 100_000
    await watched.session.stop()
