"""The plugins that we ship, each against a real HTTP server at the other end."""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import subprocess
import sys
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import SettingsError
from shomare_mqtt.model import OrderState
from shomare_mqtt.plugin import PluginError
from shomare_mqtt.plugin.trial import price_list
from tests.mosquitto import free_port
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path


class Receiver:
    """An HTTP server that keeps what it gets and answers what it is told."""

    def __init__(self, port: int = 0) -> None:
        self.requests: queue.Queue[tuple[str, dict[str, str], bytes]] = queue.Queue()
        self.status = 200
        self.headers: dict[str, str] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.put((self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"[]")

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def take(self) -> tuple[str, dict[str, str], Any]:
        path, headers, body = self.requests.get(timeout=PATIENCE)
        return path, headers, json.loads(body)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Any:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def homeassistant(shomare_plugin: Any, receiver: Receiver, tmp_path: Path) -> Any:
    (tmp_path / "token").write_text("long-lived\n")

    def start(**settings: Any) -> Any:
        given = {"url": receiver.url, "token_file": str(tmp_path / "token"), **settings}
        return shomare_plugin("homeassistant_notify", given)

    return start


def test_a_notify_service_gets_the_code_and_the_data_to_copy_it(homeassistant: Any, receiver: Receiver) -> None:
    trial = homeassistant(service="notify.mobile_app_phone", code_message="Code {code} for {application_name}")
    sms = trial.sms("Your code is 12345", "12345")
    path, headers, body = receiver.take()
    assert path == "/api/services/notify/mobile_app_phone"
    assert headers["Authorization"] == "Bearer long-lived"
    assert body == {
        "title": "Telegram +79313226657",
        "message": "Code 12345 for Telegram",
        "data": {"code": "12345", "tag": f"shomare-{trial.order.order}-{sms.sms}"},
    }
    assert receiver.requests.empty()


def test_a_notify_entity_gets_no_data_since_its_service_takes_none(homeassistant: Any, receiver: Receiver) -> None:
    homeassistant(entity="notify.living_room").sms("Your code is 12345", "12345")
    path, _, body = receiver.take()
    assert path == "/api/services/notify/send_message"
    assert body == {"title": "Telegram +79313226657", "message": "12345", "entity_id": "notify.living_room"}


def test_a_persistent_notification_has_an_id_of_its_own(homeassistant: Any, receiver: Receiver) -> None:
    sms = homeassistant().sms("Your code is 12345", "12345")
    path, _, body = receiver.take()
    assert path == "/api/services/persistent_notification/create"
    assert body["notification_id"] == f"shomare_{sms.sms}"


def test_only_the_events_chosen_are_notified(homeassistant: Any, receiver: Receiver) -> None:
    trial = homeassistant(events=["sms", "code", "expired", "balance"], order_message="{previous} to {state}")
    trial.sms("no code in here")
    trial.sms("12345", "12345")
    trial.order_changed(OrderState.FINISHED)
    trial.order_changed(OrderState.EXPIRED)
    trial.balance_changed(Decimal("1234.50"), currency="IRT")
    said = [receiver.take()[2]["message"] for _ in range(4)]
    assert said == ["no code in here", "12345", "finished to expired", "Balance: 1234.50 IRT"]
    assert receiver.requests.empty()


@pytest.mark.parametrize("status", [400, 404, 408, 429, 500, 503])
def test_a_home_assistant_that_is_not_ready_is_asked_again(homeassistant: Any, receiver: Receiver, status: int) -> None:
    trial = homeassistant(service="notify.phone")
    receiver.status = status
    trial.sms("12345", "12345")
    receiver.take()
    assert str(status) in str(trial.retries[0])
    receiver.status = 200
    trial.advance(5)
    assert receiver.take()[2]["message"] == "12345"
    assert trial.state == "running"


@pytest.mark.parametrize("status", [302, 401, 403])
def test_what_will_not_pass_is_said_and_not_tried_again(homeassistant: Any, receiver: Receiver, status: int) -> None:
    trial = homeassistant(service="notify.phone")
    receiver.status = status
    receiver.headers = {"Location": f"{receiver.url}/elsewhere"}
    with pytest.raises(PluginError, match=str(status)):
        trial.sms("12345", "12345")
    trial.advance(3600)
    receiver.take()
    assert receiver.requests.empty()
    assert "12345" not in "".join(trial.failures)


def test_a_code_outlives_an_hour_without_home_assistant_and_a_restart(shomare_plugin: Any) -> None:
    port = free_port()
    trial = shomare_plugin("homeassistant_notify", {"url": f"http://127.0.0.1:{port}", "token": "t"})
    trial.sms("Your code is 12345", "12345")
    for _ in range(6):
        trial.advance(300)
    trial.restart()
    for _ in range(6):
        trial.advance(300)
    assert len(trial.retries) == 14
    assert trial.state == "failed"
    receiver = Receiver(port)
    trial.advance(300)
    assert receiver.take()[2]["message"] == "12345"
    assert receiver.requests.empty()
    assert trial.state == "running"
    receiver.stop()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "token or token_file is missing"),
        ({"token_file": "/there/is/none"}, "cannot be read"),
        (
            {"token": "t", "code_message": "{kode}"},
            "plugins.homeassistant_notify.code_message: there is no field {kode}",
        ),
        ({"token": "t", "code_message": "{code.__class__}"}, "no field"),
        ({"token": "t", "title": "{"}, "plugins.homeassistant_notify.title: is no template"),
        ({"token": "t", "data": {"a": ["{kode}"]}}, "plugins.homeassistant_notify.data: there is no field"),
        ({"token": "t", "url": "homeassistant.local"}, "plugins.homeassistant_notify.url: must be"),
        ({"token": "t", "service": "turn it on"}, "plugins.homeassistant_notify.service: "),
        ({"token": "t", "service": "notify.x", "entity": "notify.y"}, "cannot both be set"),
        ({"token": "t", "events": ["codes"]}, "plugins.homeassistant_notify.events.0: "),
        ({"token": "t", "tokn": 1}, "plugins.homeassistant_notify.tokn: unknown key"),
    ],
)
def test_settings_that_cannot_be_are_named(shomare_plugin: Any, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        shomare_plugin("homeassistant_notify", settings)
    assert says in str(caught.value)


# --- webhook ---------------------------------------------------------------------------------------------------------


def test_a_webhook_is_signed_over_its_time_and_its_bytes(shomare_plugin: Any, receiver: Receiver) -> None:
    trial = shomare_plugin(
        "webhook", {"url": f"{receiver.url}/hook", "token": "shared", "events": ["code", "finished"]}
    )
    sms = trial.sms("کد شما 12345", "12345")
    path, headers, raw = receiver.requests.get(timeout=PATIENCE)
    signed = headers["X-Shomare-Timestamp"].encode() + b"." + raw
    assert headers["X-Shomare-Signature"] == "sha256=" + hmac.new(b"shared", signed, hashlib.sha256).hexdigest()
    body = json.loads(raw)
    assert path == "/hook"
    assert body["event"] == "code"
    assert body["id"] == headers["X-Shomare-Id"] == f"code-{sms.sms}"
    assert body["sms"] == {"sms": sms.sms, "code": "12345", "text": "کد شما 12345", "sender": None}
    assert body["order"]["phone"] == "+79313226657"
    assert b"shared" not in raw
    trial.order_changed(OrderState.FINISHED)
    assert receiver.take()[2]["event"] == "finished"


def test_a_webhook_waits_as_long_as_it_is_asked_to(shomare_plugin: Any, receiver: Receiver) -> None:
    trial = shomare_plugin("webhook", {"url": receiver.url, "token": "shared"})
    receiver.status, receiver.headers = 429, {"Retry-After": "100"}
    trial.sms("12345", "12345")
    first = receiver.take()[1]["X-Shomare-Id"]
    trial.advance(99)
    assert receiver.requests.empty()
    receiver.status = 202
    trial.advance(1)
    assert receiver.take()[1]["X-Shomare-Id"] == first
    assert trial.state == "running"


def test_a_webhook_that_is_refused_is_not_tried_again(shomare_plugin: Any, receiver: Receiver) -> None:
    trial = shomare_plugin("webhook", {"url": receiver.url, "token": "shared"})
    receiver.status = 410
    with pytest.raises(PluginError, match="410"):
        trial.sms("12345", "12345")
    assert trial.memory.rows == {}


# --- apprise ---------------------------------------------------------------------------------------------------------


def test_apprise_notifies_each_address_once(shomare_plugin: Any, receiver: Receiver) -> None:
    pytest.importorskip("apprise")
    other = Receiver()
    patient = f"cto={PATIENCE}&rto={PATIENCE}"  # instead of apprise's four seconds
    urls = [f"json://127.0.0.1:{each.port}?{patient}" for each in (receiver, other)]
    trial = shomare_plugin("apprise_notify", {"urls": urls, "code_message": "code {code}"})
    other.status = 500
    trial.sms("Your code is 12345", "12345")
    assert receiver.take()[2]["message"] == "code 12345"
    other.take()
    assert str(trial.retries[0]) == "cannot notify by address 2; tries again"
    other.status = 200
    trial.advance(5)
    assert other.take()[2]["message"] == "code 12345"
    assert receiver.requests.empty()
    assert trial.state == "running"
    other.stop()


def test_an_address_that_apprise_does_not_know_is_refused_without_repeating_it(shomare_plugin: Any) -> None:
    pytest.importorskip("apprise")
    with pytest.raises(SettingsError, match="address 1 is none that apprise knows") as caught:
        shomare_plugin("apprise_notify", {"urls": ["nothing://secret@host"]})
    assert "secret" not in str(caught.value)


def test_a_missing_apprise_is_said_plainly() -> None:
    script = (
        "import sys, logging; sys.modules['apprise'] = None\n"
        "from shomare_mqtt.config import Plugins; from shomare_mqtt.plugin.loading import load_plugins\n"
        "load_plugins(Plugins(enabled=('apprise_notify',)), logging.getLogger())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "plugins.enabled: apprise_notify needs apprise" in done.stderr.splitlines()[-1]


# --- price alert -----------------------------------------------------------------------------------------------------


def alerts(trial: Any) -> list[tuple[str, str]]:
    read = [json.loads(message.payload) for message in trial.published]
    trial.published.clear()
    return [(alert["event_type"], alert["message"]) for alert in read]


def test_a_price_is_told_once_when_it_falls_below(shomare_plugin: Any) -> None:
    trial = shomare_plugin("price_alert", {"watch": [{"application": 3, "below": 2000.5}]})
    dear, cheap, cheaper = (price_list({"3": (price, 5), "4": (1, 1)}) for price in (2200, 2000, "1999.5"))
    trial.prices_changed(dear)
    assert alerts(trial) == []
    trial.prices_changed(cheap, dear)
    assert alerts(trial) == [("price_below", "App 3 costs 2,000 IRT")]
    trial.prices_changed(cheaper, cheap)
    assert alerts(trial) == []
    trial.prices_changed(price_list({"3": ("1999.5", 0)}), cheaper)
    assert alerts(trial) == []
    trial.prices_changed(cheaper, price_list({"3": ("1999.5", 0)}))
    assert alerts(trial) == [("price_below", "App 3 costs 1,999.5 IRT")]


def test_stock_that_returns_is_told(shomare_plugin: Any) -> None:
    trial = shomare_plugin("price_alert", {"watch": [{"application": "3", "country": "7"}]})
    gone, there = price_list({"3": (2200, 0)}), price_list({"3": (2200, None)})
    trial.prices_changed(there)
    trial.prices_changed(gone, there)
    trial.prices_changed(price_list({"3": (2200, 1)}, country="8"), price_list({}, country="8"))
    assert alerts(trial) == []
    trial.prices_changed(there, gone)
    assert alerts(trial) == [("back_in_stock", "App 3 is there again for 2,200 IRT")]
    trial.prices_changed(there, price_list({}))
    assert [kind for kind, _ in alerts(trial)] == ["back_in_stock"]


def test_home_assistant_gets_an_entity_for_the_alerts(shomare_plugin: Any) -> None:
    trial = shomare_plugin("price_alert", {"watch": [{"application": "3"}]})
    component = trial.discovery()["price_alert_alert"]
    assert component["platform"] == "event"
    assert component["state_topic"] == "shomare/plugin/price_alert/alert"
    assert component["event_types"] == ["price_below", "back_in_stock"]
