"""Settings: what each source gives, which one wins, and one line for whatever cannot be."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shomare_mqtt import config
from shomare_mqtt.errors import SettingsError
from shomare_mqtt.model import FIELDS_BY_HAND, PurchaseState

TOKEN = "s3cret/tok+en"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith(("SHOMARE_", "XDG_", "CREDENTIALS_", "STATE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def load(tmp_path: Path, text: str) -> config.Settings:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    return config.load(file)


def complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_nothing_is_needed_but_the_token(tmp_path: Path) -> None:
    settings = config.load(None)
    assert (settings.mqtt.effective_port, settings.mqtt.effective_client_id) == (1883, "shomare-mqtt-shomare")
    assert settings.state.directory == tmp_path / ".local" / "state" / "shomare-mqtt"
    with pytest.raises(SettingsError, match=r"provider\.token: is missing"):
        _ = settings.token


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[mqtt]\nport = 70000", "mqtt.port: "),
        ("[mqtt]\nport = 0", "mqtt.port: "),
        ('[mqtt]\nport = "1883"', "mqtt.port: must not be in quotes"),
        ("[mqtt]\nport = true", "mqtt.port: must be a number"),
        ("[mqtt]\nhost = 5", "mqtt.host: must be a text"),
        ('[mqtt]\nhost = ""', "mqtt.host: "),
        ('[mqtt]\nhost = "mqtt://broker"', "mqtt.host: must be a name or an address alone"),
        ("[mqtt]\nnonsense = 1", "mqtt.nonsense: unknown key"),
        ("[mqtt.tls]\nenabled = 1", "mqtt.tls.enabled: must be true or false"),
        ('[mqtt.tls]\nenabled = true\nca_file = "/nonexistent"', "mqtt.tls.ca_file: /nonexistent cannot be read"),
        ('[mqtt.tls]\nkey_file = "/nonexistent"', "mqtt.tls.key_file: needs cert_file"),
        ('[mqtt]\ntransport = "unix"', "mqtt.path: "),
        ('[mqtt]\ntransport = "pigeon"', "mqtt.transport: "),
        ('[mqtt]\nbase_topic = "a/"', "mqtt.base_topic: "),
        ('[mqtt]\nbase_topic = "a/#"', "mqtt.base_topic: "),
        ("mqtt = 5", "mqtt: must be a table"),
        ("nonsense = 5", "nonsense: unknown key"),
        ("[nonsense]", "nonsense: unknown table"),
        ('_env_file = "x"', "_env_file: unknown key"),
        ("[orders]\npoll_interval = -1", "orders.poll_interval: "),
        ("[orders]\npoll_interval = 0", "orders.poll_interval: "),
        ("[orders]\nlifetime = nan", "orders.lifetime: "),
        ("[orders]\nlifetime = inf", "orders.lifetime: "),
        ("[limits]\nmax_price = -5", "limits.max_price: "),
        ('[limits]\nmax_price = "5"', "limits.max_price: must not be in quotes"),
        ("[limits]\nmax_open_orders = 1.5", "limits.max_open_orders: "),
        ('[provider]\ntimezone = "Mars/Olympus"', "provider.timezone: there is no such time zone"),
        ('[provider]\ntimezone = "../../etc/passwd"', "provider.timezone: there is no such time zone"),
        ('[provider]\nbase_url = "ftp://x"', "provider.base_url: "),
        ('[provider]\nbase_url = "http://x:99999"', "provider.base_url: "),
        ('[provider]\nproxy = "socks5://user:hush@host"', "provider.proxy: must be an http"),
        ('[provider]\ntoken = "a\\nb"', "provider.token: holds characters"),
        ('[provider]\ntoken_file = "/nonexistent"', "provider.token_file: there is no such file"),
        ('[provider.dialect]\nbuy = "maybe"', "provider.dialect.buy: "),
        ('[provider]\nfields = "data.x"', "provider.fields: must be a table"),
        ('[provider]\nstates = ["3"]', "provider.states: must be a table"),
        (
            '[provider.fields]\n"profile.balanc" = "x"',
            "provider.fields.profile.balanc: is no field; the nearest is profile",
        ),
        (
            '[provider.fields]\n"nonsense" = "x"',
            "provider.fields.nonsense: is none of profile.balance, profile.currency,",
        ),
        ("[provider.fields]\nprofile.money.amount = 'x'", "provider.fields.profile.money.amount: is no"),
        ('[provider.fields]\n"profile.balance" = 5', "provider.fields.profile.balance: must be a text"),
        ('[provider.fields]\n"profile.balance" = ["x"]', "provider.fields.profile.balance: must be a text"),
        ('[provider.fields]\n"profile.balance" = ""', "provider.fields.profile.balance: must not be empty"),
        (
            '[provider.fields]\n"profile.balance" = "a..b"',
            "provider.fields.profile.balance: is no JMESPath expression: Ex",
        ),
        (
            '[provider.fields]\n"buy.purchase" = "a["',
            "provider.fields.buy.purchase: is no JMESPath expression: Invalid",
        ),
        ('[provider.fields]\n"buy.phone" = "a b"', "provider.fields.buy.phone: is no JMESPath expression: "),
        ('[provider.fields]\n"check.sms" = "`{"', "provider.fields.check.sms: is no JMESPath expression: "),
        (
            '[provider.fields]\n"check.sms" = "first(a)"',
            "provider.fields.check.sms: is no JMESPath expression: there is no f",
        ),
        (
            '[provider.fields]\n"check.sms" = "a[?sum()]"',
            "provider.fields.check.sms: is no JMESPath expression: sum() takes",
        ),
        (f'[provider.fields]\n"check.sms" = "{"(" * 9999}"', "provider.fields.check.sms: is no JMESPath expression: "),
        (
            f'[provider.fields]\n"check.sms" = "[{"1" * 9999}]"',
            "provider.fields.check.sms: is no JMESPath expression: ",
        ),
        ('[provider.states]\n3 = "recieved"', 'provider.states.3: must be "waiting", "received", "finished",'),
        ("[provider.states]\n3 = 3", 'provider.states.3: must be "waiting", '),
        ('[provider.states]\n"" = "waiting"', "provider.states.: must not be empty"),
        ('[provider.states]\n" " = "waiting"', "provider.states: a word of blanks"),
        ('[provider.states]\nSold = "waiting"\n"sold " = "expired"', "provider.states: 'Sold' stands there twice"),
        ('[state]\ndirectory = ""', "state.directory: must not be empty"),
        ("[state]\ndirectory = 5", "state.directory: must be a text"),
        ("[[prices]]\ncountry = 7", "prices.0.operator: is missing"),
        ('[[prices]]\ncountry = ""\noperator = 1', "prices.0.country: must be a text"),
        ('[homeassistant]\ncountries = "Russia"', "homeassistant.countries: must be a list"),
        ("[homeassistant]\ncountries = [true]", "homeassistant.countries.0: must be a text"),
        ("[plugins]\nnonsense = 1", "plugins.nonsense: unknown key"),
        ("[log]\nlevel = 2025-01-01", "log.level: "),
        ("[mqtt", "settings.toml:1: mqtt: is not TOML: "),
    ],
)
def test_what_cannot_be_is_one_line_with_the_path_of_the_key(tmp_path: Path, text: str, where: str) -> None:
    message = complaint(tmp_path, text)
    assert where in message
    assert "hush" not in message


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"x\.toml: is not UTF-8"):
        config.load(tmp_path / "x.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        config.load(tmp_path)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xef\xbb\xbf[mqtt]\nport = 1\n")
    assert config.load(tmp_path / "x.toml").mqtt.port == 1


@given(name=st.sampled_from(["mqtt", "provider", "orders", "prices", "plugins", "log"]), value=st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
))  # fmt: skip
def test_any_value_is_settings_or_a_validation_error(name: str, value: Any) -> None:
    try:
        named = config.GivenSettings.model_validate({name: value}).model_fields_set
    except ValidationError as error:
        named = {str(each["loc"][0]) for each in error.errors()}
    assert named == {name}


def test_ids_and_money_keep_what_was_written(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        '[defaults]\ncountry = 7\noperator = "01"\napplication = ""\nmax_price = 0.1\n'
        '[[prices]]\ncountry = 0\noperator = "any"\n[limits]\nmax_price = 5000',
    )
    assert (settings.defaults.country, settings.defaults.operator, settings.defaults.application) == ("7", "01", None)
    assert settings.defaults.max_price == Decimal("0.1")
    assert settings.prices == (config.WatchedPrice(country="0", operator="any"),)
    assert json.dumps([settings.masked()[table]["max_price"] for table in ("defaults", "limits")]) == "[0.1, 5000]"


@pytest.mark.parametrize(
    "text",
    [
        '[provider.fields]\n"profile.balance" = "x"\n"buy.purchase" = "a.b[0].id"\n[provider.states]\n3 = "received"',
        '[provider.fields]\nprofile.balance = "x"\nbuy.purchase = "a.b[0].id"\n[provider.states]\n"3" = "received"',
        '[provider]\nfields.profile.balance = "x"\nfields.buy.purchase = "a.b[0].id"\nstates.3 = "received"',
    ],
)
def test_places_and_words_by_hand_with_quotes_and_without(tmp_path: Path, text: str) -> None:
    settings = load(tmp_path, text)
    assert settings.provider.fields == {"profile.balance": "x", "buy.purchase": "a.b[0].id"}
    assert settings.provider.states == {"3": PurchaseState.RECEIVED}
    assert settings.masked()["provider"]["fields"] == settings.provider.fields


def test_places_and_words_by_hand_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOMARE_PROVIDER__FIELDS", '{"profile.balance": "data.x"}')
    monkeypatch.setenv("SHOMARE_PROVIDER__STATES", '{"3": "received"}')
    provider = load(tmp_path, '[provider.fields]\n"profile.balance" = "y"\n"buy.phone" = "z"').provider
    assert provider.fields == {"profile.balance": "data.x", "buy.phone": "z"}
    assert provider.states == {"3": PurchaseState.RECEIVED}


@pytest.mark.parametrize(("fields", "imported"), [("", False), ('[provider.fields]\n"profile.balance" = "x"', True)])
def test_only_who_sets_a_place_pays_for_the_library_that_finds_it(tmp_path: Path, fields: str, imported: bool) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f'[provider]\ntoken = "t"\n{fields}\n[provider.states]\n3 = "received"')
    program = f"""
import sys
from pathlib import Path
import shomare_mqtt.cli.app, shomare_mqtt.daemon.daemon
from shomare_mqtt import config
from shomare_mqtt.provider.reading import ByHand, RawAnswer, read_cancel, read_check, read_profile
from tests.reading.contexts import context_of
from dataclasses import replace
provider = config.load(Path({str(file)!r})).provider
context = replace(context_of("bought"), by_hand=ByHand.of(provider.fields, provider.states))
for read in (read_profile, read_check, read_cancel):
    read(RawAnswer(200, b'{{"status": true, "x": 5, "data": {{"state": "cancelled", "balance": 7}}}}'), context)
print("jmespath" in sys.modules)
"""
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=EXAMPLE.parent
    )
    assert told.stdout.split() == [str(imported)]


def test_the_environment_outranks_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOMARE_MQTT__PORT", "1999")
    monkeypatch.setenv("SHOMARE_MQTT__TLS__ENABLED", "true")
    monkeypatch.setenv("SHOMARE_LIMITS__MAX_PRICE", "2500.5")
    monkeypatch.setenv("SHOMARE_DEFAULTS__COUNTRY", "7")
    monkeypatch.setenv("SHOMARE_PRICES", '[{"country": 7, "operator": "1"}]')
    monkeypatch.setenv("SHOMARE_HOMEASSISTANT__COUNTRIES", '[7, "Iran"]')
    monkeypatch.setenv("SHOMARE_PLUGINS__APPRISE__URLS", '["json://x"]')
    monkeypatch.setenv("SHOMARE_CONFIG", "is no setting")
    settings = load(tmp_path, "[mqtt]\nport = 1\nkeepalive = 7\n[[prices]]\ncountry = 1\noperator = 1")
    assert (settings.mqtt.port, settings.mqtt.keepalive, settings.mqtt.tls.enabled) == (1999, 7, True)
    assert settings.limits.max_price == Decimal("2500.5")
    assert settings.defaults.country == "7"
    assert settings.prices == (config.WatchedPrice(country="7", operator="1"),)
    assert settings.homeassistant.countries == ("7", "Iran")
    assert "urls" in settings.plugins.of("apprise")


@pytest.mark.parametrize("names", list(itertools.permutations(range(3))))
def test_a_key_outranks_its_table_in_whichever_order_they_are_set(
    monkeypatch: pytest.MonkeyPatch, names: tuple[int, ...]
) -> None:
    variables = [
        ("SHOMARE_MQTT", '{"keepalive": 7, "port": 1, "tls": {"enabled": true}}'),
        ("shomare_mqtt__port", "2"),
        ("SHOMARE_MQTT__TLS__ENABLED", "false"),
    ]
    for each in names:
        monkeypatch.setenv(*variables[each])
    mqtt = config.load(None).mqtt
    assert (mqtt.keepalive, mqtt.port, mqtt.tls.enabled) == (7, 2, False)


def test_json_null_is_no_table_and_sets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOMARE_LIMITS", "null")
    assert config.load(None).limits == config.Limits()
    monkeypatch.setenv("SHOMARE_MQTT__TLS", "null")
    monkeypatch.setenv("SHOMARE_MQTT__TLS__ENABLED", "true")
    with pytest.raises(SettingsError, match=r"^SHOMARE_MQTT__TLS: mqtt\.tls: must be a table"):
        config.load(None)


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [
        ("SHOMARE_MQTT__PORT", "many", "mqtt.port: "),
        ("SHOMARE_MQTT__NONSENSE", "1", "mqtt.nonsense: unknown key"),
        ("SHOMARE_NONSENSE__PORT", "1", "nonsense.port: unknown key"),
        ("SHOMARE_MQTT__TLS", "[hush", "mqtt.tls: a table or a list"),
        ("SHOMARE_PRICES", "Russia", "prices: a table or a list in the environment must be written as JSON"),
        ("SHOMARE_HOMEASSISTANT__COUNTRIES", "Russia", "homeassistant.countries: a table or a list"),
        (
            "SHOMARE_PROVIDER__FIELDS",
            "data.x",
            "provider.fields: a table or a list in the environment must be written as J",
        ),
        (
            "SHOMARE_PROVIDER__FIELDS",
            '{"profile.x": "data"}',
            "provider.fields.profile.x: is no field; the nearest is profile",
        ),
        ("SHOMARE_PROVIDER__FIELDS", '{"buy.price": "a."}', "provider.fields.buy.price: is no JMESPath expression: "),
        ("SHOMARE_PROVIDER__STATES", '{"3": "gone"}', 'provider.states.3: must be "waiting", '),
    ],
)
def test_a_wrong_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str, where: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        config.load(None)
    assert str(caught.value).startswith(f"{name}: {where}")


def test_secrets_come_from_files_and_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "mqtt_password").write_text("pass word\n")
    assert load(tmp_path, f'[provider]\ntoken_file = "{tmp_path}/token"').token == TOKEN
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    settings = config.load(None)
    assert settings.token == TOKEN
    assert settings.mqtt.password is not None
    assert settings.mqtt.password.get_secret_value() == "pass word"
    mqtt_alone = config.load_mqtt(None)
    assert mqtt_alone.password == settings.mqtt.password


def test_a_secret_file_of_the_environment_outranks_a_secret_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setenv("SHOMARE_PROVIDER__TOKEN_FILE", "~/token")
    assert load(tmp_path, '[provider]\ntoken = "other"').token == TOKEN


@pytest.mark.parametrize(
    ("key", "more"),
    [("ca_file", ""), ("cert_file", ""), ("key_file", 'cert_file = "{junk}"')],
)
def test_a_tls_file_that_holds_no_certificate(tmp_path: Path, key: str, more: str) -> None:
    junk = tmp_path / "junk"
    junk.write_text("hush\n")
    text = f'[mqtt.tls]\nenabled = true\n{key} = "{junk}"\n{more.format(junk=junk)}'
    message = complaint(tmp_path, text)
    # A certificate without a key is said of the key: that is what is missing, or in the wrong file.
    assert ("mqtt.tls.ca_file: no cert" if key == "ca_file" else "mqtt.tls.key_file: no cert") in message
    assert str(junk) in message
    assert "hush" not in message
    load(tmp_path, text.replace("true", "false", 1))


@pytest.mark.parametrize("token", ["", "  "])
def test_a_token_of_nothing_is_missing(tmp_path: Path, token: str) -> None:
    with pytest.raises(SettingsError, match=r"provider\.token: is missing"):
        _ = load(tmp_path, f'[provider]\ntoken = "{token}"').token


def test_a_token_is_what_http_makes_of_it(tmp_path: Path) -> None:
    assert load(tmp_path, f'[provider]\ntoken = " {TOKEN} "').token == TOKEN


def test_what_is_shown_is_in_force(tmp_path: Path) -> None:
    shown = load(tmp_path, "[mqtt]\nbase_topic = 'a/b'\n[mqtt.tls]\nenabled = true").masked()["mqtt"]
    assert (shown["port"], shown["client_id"]) == (8883, "shomare-mqtt-a/b")


@pytest.mark.parametrize("content", ["", " \n", "two\nlines"])
def test_a_secret_file_without_a_secret(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)
    assert "provider.token_file: " in complaint(tmp_path, f'[provider]\ntoken_file = "{tmp_path}/token"')


def test_no_secret_is_shown(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        f"""
        [mqtt]
        username = "shomare"
        password = "hush-1"
        [provider]
        token = "{TOKEN}"
        proxy = "http://me:hush%202@127.0.0.1:3128"
        base_url = "https://me:hush-5@sister.example:444/api"
        [plugins]
        enabled = ["apprise"]
        [plugins.apprise]
        urls = ["json://user:hush-3@host"]
        deep = {{ api_key = "hush-4" }}
        codes = true
        """,
    )
    for shown in (json.dumps(settings.masked()), repr(settings), str(settings)):
        if shown.startswith("{"):
            assert not [secret for secret in settings.secrets() if secret in shown]
        assert "hush-1" not in shown
        assert TOKEN not in shown
    assert settings.masked()["plugins"]["apprise"] == {"urls": ["***"], "deep": {"api_key": "***"}, "codes": True}
    assert settings.masked()["plugins"]["enabled"] == ["apprise"]
    assert settings.masked()["provider"]["base_url"] == "https://***@sister.example:444/api"
    assert {TOKEN, "s3cret%2Ftok%2Ben", "hush-1", "hush 2", "hush-4", "hush-5"} <= set(settings.secrets())
    assert list(settings.secrets()) == sorted(settings.secrets(), key=len, reverse=True)


def test_clients_read_the_mqtt_table_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[mqtt]\nport = 5\n[provider]\ntoken_file = "/nonexistent"\n[nonsense]')
    monkeypatch.setenv("SHOMARE_LIMITS__MAX_PRICE", "much")
    monkeypatch.setenv("SHOMARE_MQTT__HOST", "broker")
    mqtt = config.load_mqtt(file)
    assert (mqtt.host, mqtt.port) == ("broker", 5)
    monkeypatch.setenv("SHOMARE_MQTT__PORT", "much")
    with pytest.raises(SettingsError, match=r"mqtt\.port: "):
        config.load_mqtt(file)


def test_where_the_file_is_looked_for(tmp_path: Path) -> None:
    env = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert config.find_file(None, env) is None
    in_home = tmp_path / "xdg" / "shomare-mqtt" / "config.toml"
    in_home.parent.mkdir(parents=True)
    in_home.touch()
    assert config.find_file(None, env) == in_home
    Path("shomare-mqtt.toml").touch()
    assert config.find_file(None, env) == Path("shomare-mqtt.toml")
    named = tmp_path / "named.toml"
    with pytest.raises(SettingsError, match=r"named\.toml: there is no such file"):
        config.find_file(None, env | {"SHOMARE_CONFIG": str(named)})
    named.touch()
    assert config.find_file(None, env | {"SHOMARE_CONFIG": str(named)}) == named
    with pytest.raises(SettingsError):
        config.find_file(Path("other.toml"), env | {"SHOMARE_CONFIG": str(named)})


def test_systemds_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", f"{tmp_path}/one:{tmp_path}/two")
    assert config.load(None).state.directory == tmp_path / "one"


def test_what_is_given_alone_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOMARE_PROVIDER__BASE_URL", "https://shomare.online/api")
    given_alone = config.GivenSettings(provider=config.Provider(base_url="http://127.0.0.1:1/api"))
    assert given_alone.provider.base_url == "http://127.0.0.1:1/api"


EXAMPLE = Path(__file__).parent.parent / "config.example.toml"


def _uncommented() -> dict[str, Any]:
    lines = [
        line[1:] if line.startswith("#") and not line.startswith(("# ", "#:")) else line
        for line in EXAMPLE.read_text().splitlines()
    ]
    return tomllib.loads("\n".join(lines))


def test_the_example_can_be_used_as_it_stands() -> None:
    assert config.load(EXAMPLE) == config.load(None)


def _leaves(model: type[Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, config.Plugins | config.tables.Table):
            found |= _leaves(type(default), (*path, name))
        else:
            found[*path, name] = default
    return found


def test_the_example_shows_every_key_with_its_default() -> None:
    shown = _uncommented()
    no_default = {("mqtt", "port"): 1883, ("mqtt", "client_id"): "shomare-mqtt-shomare"}
    for path, default in _leaves(config.Settings).items():
        if path == ("prices",):
            assert shown["prices"][0].keys() == config.WatchedPrice.model_fields.keys()
            continue
        value: Any = shown
        for part in path:
            assert part in value, f"{'.'.join(path)} is not in the example"
            value = value[part]
        if path == ("provider", "fields"):
            assert list(value) == list(FIELDS_BY_HAND)
        elif path == ("provider", "states"):
            assert value
        elif path in no_default:
            assert value == no_default[path]
        elif default not in (None, {}) and path != ("state", "directory"):
            assert value == (list(default) if isinstance(default, tuple) else default), ".".join(path)


def test_the_example_shows_nothing_that_does_not_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shown = _uncommented()
    for table, key in (("mqtt", "password_file"), ("provider", "token_file")):
        del shown[table][key]
    settings = config.GivenSettings.model_validate(shown)
    assert settings.limits.max_price == 5000


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_password_without_a_user_name_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, protocol: str) -> None:
    monkeypatch.setenv("SHOMARE_MQTT__PASSWORD", "hush")
    monkeypatch.setenv("SHOMARE_MQTT__PROTOCOL", protocol)
    monkeypatch.setenv("SHOMARE_STATE__DIRECTORY", str(tmp_path))
    (remark,) = config.load(None).remarks
    assert remark.startswith("mqtt.password goes to the broker with an empty user name, since there is no ")
    for name in ("", "me"):
        monkeypatch.setenv("SHOMARE_MQTT__USERNAME", name)
        assert config.load(None).remarks == ()
