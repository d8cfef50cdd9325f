#!/usr/bin/python3
"""Starts the daemon as an app of Home Assistant: its options and the Supervisor's broker become settings.

The Supervisor writes what was filled in on the app's page to /data/options.json, and tells on
http://supervisor/services/mqtt where the broker is (developers.home-assistant.io, "App communication"). Both are handed
over in the environment, which outranks a settings file: neither `ps` nor the log shows a secret. The process then goes
on as the daemon itself, without root's rights.

Plain Python: the image holds one anyway, and Home Assistant's own base image with its helpers is another Linux.
"""

from __future__ import annotations

import json
import os
import pwd
import sys
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

SETTING = {
    "token": "SHOMARE_PROVIDER__TOKEN",
    "max_price": "SHOMARE_LIMITS__MAX_PRICE",
    "max_spend_per_day": "SHOMARE_LIMITS__MAX_SPEND_PER_DAY",
    "max_buys_per_hour": "SHOMARE_LIMITS__MAX_BUYS_PER_HOUR",
    "min_balance": "SHOMARE_LIMITS__MIN_BALANCE",
    "country": "SHOMARE_DEFAULTS__COUNTRY",
    "operator": "SHOMARE_DEFAULTS__OPERATOR",
    "application": "SHOMARE_DEFAULTS__APPLICATION",
    "countries": "SHOMARE_HOMEASSISTANT__COUNTRIES",
    "applications": "SHOMARE_HOMEASSISTANT__APPLICATIONS",
    "device_name": "SHOMARE_HOMEASSISTANT__DEVICE_NAME",
    "language": "SHOMARE_HOMEASSISTANT__LANGUAGE",
    "base_topic": "SHOMARE_MQTT__BASE_TOPIC",
    "proxy": "SHOMARE_PROVIDER__PROXY",
    "retain_codes": "SHOMARE_PRIVACY__RETAIN_CODES",
    "log_level": "SHOMARE_LOG__LEVEL",
}
"""The settings that the options stand for; every other setting goes into the file."""
NO_LIMIT = ("max_price", "max_spend_per_day")
"""Options that the page cannot leave empty, since they have a default; 0 takes the limit away."""

# Home Assistant's places and the image's user; the variables are for who tries this elsewhere.
SUPERVISOR = os.environ.get("SHOMARE_APP_SUPERVISOR", "http://supervisor")
DATA = Path(os.environ.get("SHOMARE_APP_DATA", "/data"))
FILE = Path(os.environ.get("SHOMARE_APP_CONFIG", "/config")) / "config.toml"
STATE = DATA / "state"
USER = os.environ.get("SHOMARE_APP_USER", "shomare")
TIMEOUT = 30
"""Seconds that the Supervisor may take for an answer."""

NO_ACCOUNT = (
    "The token of your account at shomare.online is missing. Open this app's Configuration tab, put it into 'Token', "
    "save, and start the app again."
)
NO_BROKER = (
    "Home Assistant has no MQTT broker yet. Install the app 'Mosquitto broker' (Settings > Apps > App store), start "
    "it, and start this app again. For a broker of your own see this app's Documentation tab."
)
INGRESS_PORT, PAGE_PORT = 8099, 8098
"""The one that config.yaml names to Home Assistant, and the page's own, which must be another and is for this container
alone."""
UNUSABLE = "The option '{}' holds what cannot be used (a control character, or very much text). Fill it in again."
LONGEST = 100_000
"""Bytes of one variable: Linux takes 131,072, with its name."""
NO_SUPERVISOR = (
    "This is the start of Home Assistant's app, and there is no Supervisor here. Elsewhere 'shomare-mqtt run' starts "
    "the daemon."
)


def main() -> NoReturn:
    """Becomes the daemon, or says why it cannot be started."""
    options = read_options()
    file = FILE if FILE.is_file() else None
    environment = without_secrets_of_ours()
    if not has_own_broker(file):
        environment |= settings_of_broker(broker())
    environment |= settings_of(options)
    if "SHOMARE_PROVIDER__TOKEN" not in environment and not has_own_token(file):
        end(NO_ACCOUNT)
    environment |= settings_of_page()
    environment["SHOMARE_STATE__DIRECTORY"] = str(STATE)
    prepare_state()
    give_up_root()
    arguments = ["shomare-mqtt", "run", *(("--config", str(file)) if file else ())]
    sys.stderr.flush()
    os.execvpe(arguments[0], arguments, environment)  # noqa: S606 - that is what this is for


def end(sentence: str) -> NoReturn:
    """Says it in the app's log. 78: trying again cannot help (EX_CONFIG, as the daemon's own)."""
    sys.stderr.write(f"shomare-mqtt: {sentence}\n")
    sys.exit(78)


def read_options() -> dict[str, Any]:
    """What was filled in on the app's page."""
    try:
        options = json.loads((DATA / "options.json").read_text(encoding="utf-8"))
    except OSError as error:
        end(f"The app's options cannot be read ({error.filename}: {error.strerror}).")
    except ValueError:
        end("The app's options are no JSON. Open this app's Configuration tab and save it again.")
    if not isinstance(options, dict):
        end("The app's options are no JSON object. Open this app's Configuration tab and save it again.")
    return options


def settings_of(options: dict[str, Any]) -> dict[str, str]:
    """Variables of the options that were filled in."""
    filled = {name: value for name, value in options.items() if name in SETTING and not is_empty(name, value)}
    return {SETTING[name]: as_variable(name, value) for name, value in filled.items()}


def is_empty(name: str, value: Any) -> bool:
    """Whether an option says nothing."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value in ([], [""]) or (name in NO_LIMIT and value == 0)


def as_variable(name: str, value: Any) -> str:
    """A text as it is, all else as JSON: lists, numbers, true and false."""
    if isinstance(value, list):
        value = [each for each in value if each not in ("", None)]  # a line of the page that was added and left empty
    text = value.strip() if isinstance(value, str) else json.dumps(value)
    if not is_usable(text):
        end(UNUSABLE.format(name))
    return text


def is_usable(text: str) -> bool:
    """Whether the system takes it as a variable."""
    try:
        return "\0" not in text and len(text.encode()) <= LONGEST
    except UnicodeEncodeError:  # half of a pair, which JSON can hold
        return False


def tables(file: Path | None) -> dict[str, Any]:
    """The settings file as it is read here. What is wrong with it, the daemon says better."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")) if file else {}
    except (OSError, ValueError):
        return {}


def has_own_broker(file: Path | None) -> bool:
    """Whether the settings file names a broker."""
    table = tables(file).get("mqtt")
    return isinstance(table, dict) and ("host" in table or "path" in table)


def has_own_token(file: Path | None) -> bool:
    """Whether the settings file has the token."""
    table = tables(file).get("provider")
    return isinstance(table, dict) and ("token" in table or "token_file" in table)


def broker() -> dict[str, Any]:
    """It tells: `host`, `port`, `ssl`, and `username` and `password` where the broker asks for them."""
    token = os.environ.get("SUPERVISOR_TOKEN")
    if not token:
        end(NO_SUPERVISOR)
    request = urllib.request.Request(f"{SUPERVISOR}/services/mqtt", headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - the Supervisor's address
    # Not through a proxy that the environment names: it is on the machine's own network.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        # 400 is "Service not enabled"; 401 and 403 are the Supervisor's own affair.
        refusal = f"The Supervisor refuses to name the broker (HTTP {error.code})."
        end(NO_BROKER if error.code in (400, 404) else refusal)
    except (OSError, ValueError) as error:
        again = "Start the app again; the Supervisor may have been starting itself."
        end(f"The Supervisor cannot be asked for the broker ({error}). {again}")
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict) or not data.get("host"):
        end(NO_BROKER)
    return data


def settings_of_broker(data: dict[str, Any]) -> dict[str, str]:
    """Variables for the broker that the Supervisor named."""
    found = {
        "SHOMARE_MQTT__HOST": data["host"],
        "SHOMARE_MQTT__PORT": data.get("port"),
        "SHOMARE_MQTT__USERNAME": data.get("username"),
        "SHOMARE_MQTT__PASSWORD": data.get("password"),
        "SHOMARE_MQTT__TLS__ENABLED": "true" if data.get("ssl") else None,
    }
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


def settings_of_page() -> dict[str, str]:
    """Variables for the page in Home Assistant's side bar."""
    return {
        "SHOMARE_WEB__ENABLED": "true",
        "SHOMARE_WEB__HOST": "127.0.0.1",
        "SHOMARE_WEB__PORT": str(PAGE_PORT),
        "SHOMARE_WEB__INGRESS_PORT": str(INGRESS_PORT),
    }


def without_secrets_of_ours() -> dict[str, str]:
    """The environment without the Supervisor's token: neither the daemon nor a plugin has a use for it."""
    ours = ("SUPERVISOR_TOKEN", "HASSIO_TOKEN")
    return {name: value for name, value in os.environ.items() if name not in ours}


def prepare_state() -> None:
    """The journal's folder for the daemon's user; a backup that was put back may have made its files root's."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() != 0:
        return
    user = pwd.getpwnam(USER)
    for path in (STATE, *STATE.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def give_up_root() -> None:
    """Root was needed for the options and the folder, which are root's, and for nothing else."""
    if os.geteuid() != 0:
        return
    user = pwd.getpwnam(USER)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


if __name__ == "__main__":
    main()
