"""Beginners' mistakes in the settings: what each is answered with, on which line, and never with a secret.

The table is mistakes.txt: what a file says, and behind "=>" each line that it is answered with.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shomare_mqtt import config
from shomare_mqtt.config import tables
from shomare_mqtt.config.lines import lines_of
from shomare_mqtt.config.suggestions import header, known_keys
from shomare_mqtt.errors import SettingsError
from shomare_mqtt.plugin.loading import load_plugins

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"
TABLE = (Path(__file__).parent / "mistakes.txt").read_text(encoding="utf-8").rstrip("\n").split("\n~~~\n")
ANSWER = "\n=> "
UNKNOWN = "unknown key (did you mean"
RENAMED = "this variable sets nothing: its name must be"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("SHOMARE_", "XDG_", "CREDENTIALS_", "STATE_")):
            monkeypatch.delenv(name)


def told(text: str) -> list[str]:
    """What is said of a settings file, each line without the file's name; nothing where it can be used."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "x.toml"
        file.write_bytes(text.encode())
        try:
            config.load(file)
        except SettingsError as error:
            return [line.removeprefix(f"{file}:") for line in error.lines]
    return []


@pytest.mark.parametrize("case", [case for case in TABLE if not case.startswith("###")])
@pytest.mark.parametrize("by_windows", [False, True])
def test_a_mistake(case: str, by_windows: bool) -> None:
    text, *lines = case.split(ANSWER)
    if by_windows:
        text = "\ufeff" + text.replace("\n", "\r\n")
    assert told(text) == lines
    assert "hush" not in "".join(lines)


def test_all_mistakes_of_a_file_are_told_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOMARE_LOG__LEVEL", "hush")
    text = """
        host = "early"
        # A list of several lines: the one where it begins.
        [homeassistant]
        countries = [
            "Russia",
            true,
        ]
        enabled = Yes
        [[prices]]
        country = 7
        [mqtt]
        prot = 5
        port = "5,000"
        host = hush
        [limit]
        max_price = 5
        [provider]
        token = "hush"
        token_file = "hush"
        [log]
        level = "warning"
        format = "jsn"
        """
    assert told(text) == [
        "2: host: unknown key (host belongs below [mqtt])",
        "5: homeassistant.countries.1: must be a text, in quotes",
        "9: homeassistant.enabled: is not TOML: write true, in small letters and without quotation marks",
        "13: mqtt.prot: unknown key (did you mean port?)",
        "14: mqtt.port: must not be in quotes, and has no separators: write 5000",
        '15: mqtt.host: is not TOML: a text stands in quotation marks: host = "…"',
        "16: limit: unknown table (did you mean [limits]?)",
        "19: provider.token: stands beside token_file, and only one of them can count: take one out",
        '23: log.format: must be "text" or "json" (did you mean "json"?)',
        'SHOMARE_LOG__LEVEL: log.level: must be "debug", "info", "warning" or "error"',
    ]


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"MQTT_PORT": "5"}, f"MQTT_PORT: mqtt.port: {RENAMED} SHOMARE_MQTT__PORT"),
        ({"mqtt_port": "5"}, f"mqtt_port: mqtt.port: {RENAMED} SHOMARE_MQTT__PORT"),
        ({"MQTT_TLS_ENABLED": "1"}, f"MQTT_TLS_ENABLED: mqtt.tls.enabled: {RENAMED} SHOMARE_MQTT__TLS__ENABLED"),
        ({"LIMITS_MAX_PRICE": "5"}, f"LIMITS_MAX_PRICE: limits.max_price: {RENAMED} SHOMARE_LIMITS__MAX_PRICE"),
        ({"LIMIT_MAX_PRICE": "5"}, f"LIMIT_MAX_PRICE: limits.max_price: {RENAMED} SHOMARE_LIMITS__MAX_PRICE"),
        ({"MAX_PRICE": "5"}, f"MAX_PRICE: limits.max_price: {RENAMED} SHOMARE_LIMITS__MAX_PRICE"),
        (
            {"MQTT__TLS_ENABLED": "1"},
            "MQTT__TLS_ENABLED: mqtt.tls_enabled: unknown key (did you mean SHOMARE_MQTT__TLS__ENABLED?)",
        ),
        (
            {"REFRESH__PROFIL": "5"},
            "REFRESH__PROFIL: refresh.profil: unknown key (did you mean SHOMARE_REFRESH__PROFILE?)",
        ),
        (
            {"LIMIT__DOUBLE_PRESS": "5"},
            f"LIMIT__DOUBLE_PRESS: limit.double_press: {UNKNOWN} SHOMARE_LIMITS__DOUBLE_PRESS?)",
        ),
        ({"MQTT__PROT": "5"}, "MQTT__PROT: mqtt.prot: unknown key (did you mean SHOMARE_MQTT__PORT?)"),
        (
            {"LIMITS__MAX_PRICE": "5,000"},
            "LIMITS__MAX_PRICE: limits.max_price: must be a number, without a unit or a separator: write 5000",
        ),
        (
            {"ORDERS__LIFETIME": "5m"},
            "ORDERS__LIFETIME: orders.lifetime: must be a number of seconds, without a unit or a separator: write 300",
        ),
        ({"MQTT__TLS__ENABLED": "hush"}, "MQTT__TLS__ENABLED: mqtt.tls.enabled: must be true or false"),
        ({"PRICES": '[{"country": 7}]'}, "PRICES: prices.0.operator: is missing"),
        ({"MQTT": '{"prot": 5}'}, "MQTT: mqtt.prot: unknown key (did you mean SHOMARE_MQTT__PORT?)"),
        (
            {"PROVIDER__TOKEN": "hush", "PROVIDER__TOKEN_FILE": "/dev/null/hush"},
            "PROVIDER__TOKEN: provider.token: stands beside token_file, and only one of them can count: take one out",
        ),
        ({"SOMETHING": "1", "CONFIG": "x", "REQUIRE_MOSQUITTO": "1", "TEST_NO_MOSQUITTO": "1", "TOKEN": "hush"}, None),
        ({"LIMITS__MAX_PRICE": "5", "DEFAULTS__COUNTRY": "7", "PRICES": "[]"}, None),
        ({"LIMIT": '{"max_price": 5}'}, f"LIMIT: limits: {RENAMED} SHOMARE_LIMITS"),
        # What others set: scripts, Kubernetes and links of Docker for a service or a container called shomare-mqtt.
        ({"ORDER": "01KAR", "PRICE": "5", "PLUGIN": "x", "MQTT_HOST": "", "mqtt_port": " "}, None),
        ({"MQTT_PORT": "tcp://10.0.0.1:1883", "MQTT_SERVICE_HOST": "10.0.0.1", "MQTT_SERVICE_PORT": "1883"}, None),
        ({"MQTT_PORT": "udp://[fd00::1]:1883", "MQTT_PORT_1883_TCP_PORT": "1883", "MQTT_NAME": "/a/shomare"}, None),
    ],
)
def test_a_mistake_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], line: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"SHOMARE_{name}", value)
    said = told('[[prices]]\ncountry = 7\noperator = 1\n[mqtt]\nhost = "x"')
    assert said == ([] if line is None else [f"SHOMARE_{line}"])


def test_a_variable_that_begins_with_two_underscores_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOMARE__x", "1")
    monkeypatch.setenv("shomare__x", "1")
    assert told("") == []


def test_a_secret_of_the_environment_may_stand_beside_one_of_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("hush")
    with monkeypatch.context() as patch:
        patch.setenv("SHOMARE_PROVIDER__TOKEN", "hush")
        assert told(f'[provider]\ntoken_file = "{tmp_path}/token"') == []
        assert told('[provider]\ntoken = "other"') == []
        assert told('[provider]\ntoken = "other"\ntoken_file = "none"') == []
    monkeypatch.setenv("SHOMARE_PROVIDER__TOKEN_FILE", str(tmp_path / "token"))
    assert told('[provider]\ntoken = "other"') == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[mqqt]\nport = 5", ["1: mqqt: unknown table (did you mean [mqtt]?)"]),
        ("port = 5", ["1: port: unknown key (port belongs below [mqtt])"]),
        ("[mqtt]\nprot = 5\n[limit]", ["2: mqtt.prot: unknown key (did you mean port?)"]),
        ("[limit]\nmax_price = 'x'\n[log]\nlevel = 'x'", []),
    ],
)
def test_the_clients_refuse_what_was_to_be_of_the_broker(tmp_path: Path, text: str, lines: list[str]) -> None:
    """A command must not go to another broker; what else is wrong is none of their business."""
    file = tmp_path / "x.toml"
    file.write_text(text)
    said: list[str] = []
    try:
        config.load_mqtt(file)
    except SettingsError as error:
        said = [line.removeprefix(f"{file}:") for line in error.lines]
    assert said == lines


def test_a_table_of_a_plugin_that_is_nearly_the_name_of_an_enabled_one(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("[plugins]\nenabled = ['price_alert']\n[plugins.other]\n[plugins.price_alerts]\nmost = 5")
    with pytest.raises(SettingsError) as caught:
        load_plugins(config.load(file).plugins, None)
    said = "plugins.price_alerts: no plugin of this name is enabled (did you mean price_alert?)"
    assert caught.value.lines == (f"{file}:4: {said}",)


KEYS = [(table, key) for table, keys in known_keys().items() if table for key in keys]
LETTERS = "abcdefghijklmnopqrstuvwxyz_"


@st.composite
def typos(draw: st.DrawFn, word: str) -> str:
    """The word with a letter too few, too many, another one, or two that changed places."""
    at = draw(st.integers(0, len(word) - 1))
    kind, letter = draw(st.sampled_from("+-=x")), draw(st.sampled_from(LETTERS))
    if kind == "x":
        return word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    return word[:at] + {"+": letter + word[at], "-": "", "=": letter}[kind] + word[at + 1 :]


@given(data=st.data(), place=st.sampled_from(KEYS))
def test_any_typo_of_any_key_names_the_key(data: st.DataObject, place: tuple[str, str]) -> None:
    table, key = place
    typo = data.draw(typos(key))
    assume(typo not in known_keys()[table])
    (said,) = [line for line in told(f"{header(table)}\n{typo} = 1") if "is missing" not in line]
    assert said.startswith(f"2: {table}{'.0' if table == 'prices' else ''}.{typo}: unknown key (did you mean ")
    assert key in said.partition("(did you mean ")[2]


@given(data=st.data(), table=st.sampled_from([table for table in known_keys() if table]))
def test_any_typo_of_any_table_names_the_table(data: st.DataObject, table: str) -> None:
    *above, name = table.split(".")
    typo = ".".join([*above, data.draw(typos(name))])
    assume(typo not in known_keys() and typo.split(".")[-1] not in {key for _, key in KEYS})
    (said,) = told(f"[{typo}]\nx = 1")
    assert said.startswith(f"1: {typo}: unknown table (did you mean ")
    assert header(table) in said


RIGHT = {
    "[mqtt]": ["host = 'b'", "username = '''\nme\n'''", "tls.enabled = false"],
    "[orders]": ["lifetime = 5", "# lifetime = '5'"],
    "[homeassistant]": ["countries = [\n  'a',  # ]\n\n  'b' ]", 'device_name = """a\n[limits]\nx = 1\n"""'],
    "[provider.fields]": ["buy.price = 'a.b'", "'buy.phone' = 'a'"],
    "[plugins.mine]": ["a = [{ b = 1 },\n  { c = 2 }]", "d.e.f = 1"],
}
WRONG = {
    "[mqtt]": ["prot = 1", "port = '5'", "keepalive = [\n1]", "tls.enabeld = true", "path = ''", "client_id = x"],
    "[orders]": ["poll_interval = '5s'", "remember = -1", "settle_delay = 5s", "max_price = '''\n\n'''"],
    "[homeassistant]": ["operators = [ 'a',\n true ]", "enabled = 'yes'", "discovery_prefix = 'a/#'"],
    "[provider.fields]": ["buy.prise = 'a'", "'check.sms' = 'a['", "check.state = b"],
    "[plugins.mine]": [],
}


@st.composite
def files(draw: st.DrawFn) -> tuple[str, list[int]]:
    """A file with right and wrong lines, and the lines on which the wrong ones begin."""
    lines: list[str] = []
    wrong: list[int] = []
    for table in draw(st.permutations(list(RIGHT))):
        lines += [*draw(st.sampled_from([[], ["", "# [orders]"]])), table]
        faults = [each for each in WRONG[table] if draw(st.booleans())]
        for part in draw(st.permutations(RIGHT[table] + faults)):
            wrong += [len(lines) + 1] * (part in faults)
            lines += part.split("\n")
        for is_wrong in draw(st.lists(st.booleans(), max_size=2)):
            lines += ["[[prices]]", "country = 7", "operator = 1", f"application = {'true' if is_wrong else 3}"]
            wrong += [len(lines)] * is_wrong
    return "\n".join(lines), wrong


@given(file=files(), ends=st.sampled_from(["\n", "\r\n"]), mark=st.sampled_from(["", "\ufeff"]))
def test_every_mistake_is_told_on_its_line(file: tuple[str, list[int]], ends: str, mark: str) -> None:
    text, wrong = file
    assert [int(line.partition(":")[0]) for line in told(mark + text.replace("\n", ends))] == wrong


SECRETS = ("Zq7WvK2mXp9a", "Jt4RbN8sLc3d", "Hy6GfP1uQe5k")
WITH_SECRETS = f"""
[mqtt]
username = "me"
password = "{SECRETS[0]}"
[provider]
token = '{SECRETS[1]}'
proxy = "http://me:{SECRETS[2]}@127.0.0.1:3128"
[plugins.mine]
api_key = "{SECRETS[2]}"
"""
STRAY = ("", "", "=", '"', "'", "[", "]", "{", "\n", ":", "#", ",", " ", "x", "“", "\\")


@given(data=st.data(), text=st.sampled_from([WITH_SECRETS, EXAMPLE.read_text(encoding="utf-8")]))
def test_whatever_is_done_to_a_file_it_is_settings_or_plain_lines_without_a_secret(
    data: st.DataObject, text: str
) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        text = text[:at] + data.draw(st.sampled_from(STRAY)) + text[at + data.draw(st.sampled_from([0, 1, 9])) :]
    for line in told(text):
        assert "\n" not in line
        for secret in SECRETS:
            assert not [part for part in (secret[:6], secret[3:9], secret[-6:]) if part in line], line


def test_the_lines_of_the_example_are_those_of_its_keys() -> None:
    """Each `#key = value` of the example taken in: every key is found on the line on which it stands."""
    shown = EXAMPLE.read_text(encoding="utf-8").splitlines()
    lines = [line[1:] if line.startswith("#") and not line.startswith(("# ", "#:")) else line for line in shown]
    tomllib.loads("\n".join(lines))
    places = lines_of("\n".join(lines))
    assert len(places) > 100
    for path, line in places.items():
        name = path.rsplit(".", 1)[-1]
        assert name.isdigit() or name in lines[line - 1], (path, lines[line - 1])


def letters_parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many letters each call of tomllib gets from now on."""
    parse, lengths = tomllib.loads, list[int]()

    def counting(part: str) -> dict[str, Any]:
        lengths.append(len(part))
        return parse(part)

    monkeypatch.setattr(tomllib, "loads", counting)
    return lengths


def test_a_long_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is parsed grows with the file, and not with its square."""
    many = "".join(f"key_{number} = {number}\n" for number in range(2000))
    text = f"[plugins.mine]\n{many}names = [\n" + "'x',\n" * 500 + "]\n[mqtt]\nprot = 1"
    parsed = letters_parsed(monkeypatch)
    assert told(text) == ["2505: mqtt.prot: unknown key (did you mean port?)"]
    assert sum(parsed) < 5 * len(text)


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("prices = [\n" + "  { country = '7', operator = 1 },\n" * 3000 + "]\n[mqtt]\nprot = 1", 5),
        ('[plugins.mine]\nx = """\n' + "] } \" ''' \n" * 3000 + '"""\n[mqtt]\nprot = 1', 5),
        ("prices = [\n" + "  { country = '7', operator = 1 },\n" * 3000, 10),
        ("x = '''\n" + "{ ]\n" * 3000, 10),
        ("[[prices]]\ncountry = 7x\noperator = 1\n" * 3000, 100),
    ],
)
def test_a_long_list_or_text(monkeypatch: pytest.MonkeyPatch, text: str, most: int) -> None:
    """What is parsed grows with the file, also where the value of several lines, or the whole, is faulty."""
    parsed = letters_parsed(monkeypatch)
    assert told(text)
    assert sum(parsed) < most * len(text)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 100_000,
        "x = " + "9" * 5000,
        "[mqtt]\nport = 0x" + "f" * 6000,
        "[[prices]]\ncountry = [1, {a = 0x" + "f" * 6000 + "}]",
        "y = x\nx = " + "[" * 100_000,
        f"[plugins.{'a.' * 2000}a]",
        f"y = x\n{'a.' * 2000}a = 1",
    ],
)
def test_what_python_cannot_read_is_told_too(text: str) -> None:
    [line] = told(text)
    assert line.endswith("without end, or a number of thousands of digits")


def test_what_python_cannot_read_in_the_environment_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOMARE_PRICES", "[" * 100_000)
    assert told("") == ["SHOMARE_PRICES: prices: a table or a list in the environment must be written as JSON"]


def test_no_more_than_anybody_reads_is_told_of_a_hostile_file() -> None:
    keys = "".join(f"key{number} = 1\n" for number in range(5000))
    assert len(told(keys)) == 200
    assert len(told(f"[mqtt]\n{keys}")) == 200


@pytest.mark.parametrize("header", ["", "[mqtt]\n", "[provider]\n", "[provider.fields]\n"])
def test_a_token_in_the_place_of_a_key_is_not_repeated(header: str) -> None:
    [line, *_] = told(f'{header}"17|Zq7WvK2mXp9aTb4s" = "x"')
    assert "Zq7" not in line
    assert "***: " in line


def test_who_makes_no_mistake_does_not_pay_for_those_who_do(tmp_path: Path) -> None:
    """What explains mistakes is imported by none that starts, nor is the list of all time zones read."""
    file = tmp_path / "x.toml"
    file.write_text('[provider]\ntoken = "t"\n[limits]\nmax_price = 5\n[plugins]\nenabled = ["price_alert"]\n')
    program = (
        "import sys\nfrom pathlib import Path\nimport shomare_mqtt.cli.run\nfrom shomare_mqtt import config\n"
        f"config.load(config.find_file(Path({str(file)!r})))\nprint(*sys.modules)"
    )
    variables = {**os.environ, "SHOMARE_CONFIG": "x", "SHOMARE_PRICES": "[]"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=variables, cwd=EXAMPLE.parent
    )
    explaining = ("mistakes", "suggestions", "meant", "toml_faults", "lines", "finding")
    imported = [name for name in explaining if f"shomare_mqtt.config.{name}" in done.stdout.split()]
    assert imported == ["finding"]


def test_figures_without_the_package_that_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "find_spec", lambda name: None if name == "prometheus_client" else find_spec(name))
    (said,) = told('provider.token = "t"\n[metrics]\nenabled = true\n')
    assert said.startswith("3: metrics.enabled: needs the Python package prometheus-client, which is not installed")
    assert 'pip install "shomare-mqtt[metrics]"' in said
    assert told('provider.token = "t"\n[metrics]\nenabled = false\n') == []
