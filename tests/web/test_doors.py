"""The page's doors, tried from outside over real connections: who comes in, and who does not."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from shomare_mqtt.web import forms, passwords, sessions
from shomare_mqtt.web.forms import LARGEST_FORM, MOST_COMING
from tests.patience import PATIENCE
from tests.provider.fakes import FakeClock
from tests.web.house import INSIDE, OWNER, PASSWORDS, VIEWER, every_request, house

DAY = 86400.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What costs an attacker time costs a test nothing."""
    monkeypatch.setitem(passwords.COST, "n", 2)
    monkeypatch.setitem(passwords.COST, "p", 1)


# --- closed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), list(every_request()))
async def test_nothing_is_open_to_whoever_did_not_sign_in(tmp_path: Path, method: str, path: str) -> None:
    async with house(tmp_path, **PASSWORDS) as closed:
        for cookie in ("", f"shomare_session_{closed.port}=", "shomare_session_8099=AAAA", "shomare_session_8099=*"):
            got = await closed.ask(path, method, cookie)
            assert INSIDE not in got.text
            if (method, path) == ("GET", "/"):
                assert (got.status, got.headers["Location"]) == (303, "login")
            else:
                assert got.status == 401


@pytest.mark.parametrize("path", ["/api/state", "/api/events", "/app.js", "/"])
async def test_nothing_in_an_address_signs_anybody_in(tmp_path: Path, path: str) -> None:
    async with house(tmp_path, **PASSWORDS) as closed:
        token = (await closed.sign_in()).cookie
        for query in (f"?password={quote(OWNER)}", f"?{token}", f"?token={token.partition('=')[2]}"):
            assert (await closed.ask(path + query)).status in (303, 401)
        for header in ("Authorization", "X-Session", "X-Forwarded-User", "X-Remote-User-Id"):
            assert (await closed.ask(path, headers={header: token})).status in (303, 401)


async def test_what_the_form_needs_is_open(tmp_path: Path) -> None:
    async with house(tmp_path, **PASSWORDS) as closed:
        for path in ("/healthz", "/login.css", "/icon.svg"):
            assert (await closed.ask(path)).text == INSIDE
        page = await closed.ask("/login")
        assert page.status == 200
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        links = re.findall(r'(?:href|src|action)="([^"]*)"', page.text)
        assert links
        assert all(re.fullmatch(r"(login(\.css)?|icon\.svg)(\?language=(en|fa))?", link) for link in links)
        assert not re.search(r"<script|style=|<style| on\w+=", page.text)


async def test_doors_that_nobody_opened_are_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None: ...

    monkeypatch.setattr(sessions.Sessions, "load", never)
    async with house(tmp_path) as closed:
        assert (await closed.ask("/api/state")).status == 401
        assert (await closed.sign_in("")).status == 401
        assert (await closed.sign_in("no hash")).status == 401


@pytest.mark.parametrize("path", ["/", "/app.js", "/api/state"])
async def test_without_a_password_whoever_reaches_it_is_its_owner(tmp_path: Path, path: str) -> None:
    async with house(tmp_path) as open_one:
        assert (await open_one.ask(path)).text == INSIDE
        assert (await open_one.post("/api/command/buy")).text == INSIDE
        assert (await open_one.ask("/login")).headers["Location"] == "./"
        signed = await open_one.sign_in("anything")
        assert (signed.status, signed.headers["Location"], signed.set_cookie) == (303, "./", "")


# --- signing in and out -----------------------------------------------------------------------------------------------


async def test_the_owner_signs_in_and_out(tmp_path: Path) -> None:
    async with house(tmp_path, **PASSWORDS) as page:
        signed = await page.sign_in()
        assert (signed.status, signed.headers["Location"]) == (303, "./")
        for path in ("/", "/app.js", "/api/state", "/api/events"):
            assert (await page.ask(path, cookie=signed.cookie)).text == INSIDE
        assert (await page.post("/api/command/buy", signed.cookie)).text == INSIDE
        told = (await page.ask("/api/state", cookie=signed.cookie)).headers
        assert (told["Shomare-Role"], told["Shomare-Session"]) == ("owner", "yes")
        assert (await page.ask("/login", cookie=signed.cookie)).headers["Location"] == "./"
        out = await page.post("/logout", signed.cookie)
        assert (out.status, out.headers["Location"]) == (303, "login")
        assert "Max-Age=0" in out.set_cookie
        assert (await page.ask("/api/state", cookie=signed.cookie)).status == 401
        assert (await page.post("/logout", signed.cookie)).status == 303


async def test_who_looks_at_the_log_out_stays_in(tmp_path: Path) -> None:
    """A link, or a picture with that address, on another site must not sign anybody out."""
    async with house(tmp_path, **PASSWORDS) as page:
        cookie = (await page.sign_in()).cookie
        await page.ask("/logout", cookie=cookie)
        assert (await page.ask("/api/state", cookie=cookie)).status == 200


async def test_the_cookie_is_for_this_page_alone(tmp_path: Path) -> None:
    async with house(tmp_path, port=8107, **PASSWORDS) as page:
        (name, value), *marks = [part.partition("=")[::2] for part in (await page.sign_in()).set_cookie.split("; ")]
        assert name == "shomare_session_8107"
        assert re.fullmatch(r"[\w-]{40,}", value)
        assert dict(marks) == {"HttpOnly": "", "SameSite": "Strict", "Max-Age": str(30 * 86400)}
        again = (await page.sign_in()).cookie
        assert again != f"{name}={value}"


@pytest.mark.parametrize(
    ("url", "proto", "secure"),
    [
        (None, None, False),
        ("https://page.example/", None, True),
        ("http://page.example/", None, False),
        (None, "https", True),
        (None, "http", False),
        (None, "http, https", True),
        (None, "https, http", False),
    ],
)
async def test_over_tls_the_cookie_is_secure(tmp_path: Path, url: str | None, proto: str | None, secure: bool) -> None:
    async with house(tmp_path, **PASSWORDS, url=url) as page:
        signed = await page.sign_in(**({"X-Forwarded-Proto": proto} if proto else {}))
        assert ("Secure" in signed.set_cookie.split("; ")) is secure


async def test_whoever_signs_in_again_leaves_the_first_session(tmp_path: Path) -> None:
    """A cookie that somebody planted before is no session afterwards."""
    async with house(tmp_path, **PASSWORDS) as page:
        first = (await page.sign_in()).cookie
        again = await page.post("/login", first, data={"password": OWNER})
        assert again.cookie != first
        assert (await page.ask("/api/state", cookie=first)).status == 401
        assert (await page.ask("/api/state", cookie=again.cookie)).status == 200


@pytest.mark.parametrize(
    "password", ["", "4711-no", OWNER.upper(), OWNER + " ", OWNER + "\0", "x" * 5000, "the owner's"]
)
async def test_a_wrong_password(tmp_path: Path, password: str) -> None:
    async with house(tmp_path, password=OWNER) as page:
        got = await page.sign_in(password)
        assert got.status == 401
        assert "This password is wrong" in got.text
        assert not got.set_cookie
        assert not password or password not in got.text


async def test_two_ways_to_write_a_letter_are_one(tmp_path: Path) -> None:
    async with house(tmp_path, password="caf\u00e9") as page:
        assert (await page.sign_in("cafe\u0301")).status == 303


async def test_passwords_are_hashed_beside_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads, digest = [], passwords.digest

    def noted(password: str, salt: bytes) -> bytes:
        threads.append(threading.get_ident())
        return digest(password, salt)

    monkeypatch.setattr(passwords, "digest", noted)
    async with house(tmp_path, **PASSWORDS) as page:
        assert len(threads) == 2
        await page.sign_in("wrong")
        await page.sign_in()
        assert len(threads) == 4  # one for each that is tried, whosoever it is
        assert threading.get_ident() not in threads


def test_a_password_costs_what_it_should() -> None:
    """OWASP's Password Storage Cheat Sheet: N=2^15 with r=8 and p=3 is the least for scrypt in 32 MiB."""
    text = Path(passwords.__file__).read_text(encoding="utf-8")
    assert 'COST = {"n": 2**15, "r": 8, "p": 3}' in text


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others give memory back in other ways")
def test_what_a_hash_takes_is_given_back() -> None:
    """By each thread that made one: whoever tries passwords must not make the program larger."""
    text = """
import concurrent.futures, threading, pathlib
from shomare_mqtt.web.passwords import digest

def kilobytes():
    return int(pathlib.Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])

turn, all_here, one = kilobytes(), threading.Barrier(4), threading.Lock()
def hashed(_):
    all_here.wait()
    with one:
        digest("wrong", b"salt"), digest("wrong", b"salt")
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    list(pool.map(hashed, range(4)))
    print(kilobytes() - turn)
"""
    done = subprocess.run([sys.executable, "-c", text], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 8 * 1024


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/x-www-form-urlencoded", 401),
        (b"pass=x", "application/x-www-form-urlencoded", 401),
        (b"password=%ff%fe&&&==", "application/x-www-form-urlencoded", 401),
        (b"password=" + b"x" * LARGEST_FORM, "application/x-www-form-urlencoded", 413),
        (b"a=1&" * 500, "application/x-www-form-urlencoded", 401),
        (b'{"password": "x"}', "application/json", 415),
        (b"password=x", "text/plain", 415),
    ],
)
async def test_what_is_no_form_signs_nobody_in(tmp_path: Path, body: bytes, content_type: str, status: int) -> None:
    told: list[BaseException] = []
    async with house(tmp_path, told=told, **PASSWORDS) as page:
        got = await page.post("/login", data=body, headers={"Content-Type": content_type})
        assert (got.status, got.set_cookie) == (status, "")
    assert not told


@pytest.mark.parametrize(
    "rest", ["Content-Length: 100\r\n\r\nhalf", "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone"]
)
async def test_a_form_that_breaks_off_is_no_fault_of_ours(tmp_path: Path, rest: str) -> None:
    told: list[BaseException] = []
    head = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    async with house(tmp_path, told=told, **PASSWORDS) as page, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
        writer.write((head + rest).encode())
        writer.write_eof()
        await reader.read()
        writer.close()
        await page.ask("/login")
    assert not told


@pytest.mark.parametrize("other", ["a/b=1", 'j={"a":1}', "a@b=2", "=", "x"])
async def test_cookies_of_other_programs_change_nothing(tmp_path: Path, other: str) -> None:
    """Browsers send them to every port; aiohttp of Debian 13 raises at some, and finds none beside others."""
    async with house(tmp_path, **PASSWORDS) as page:
        cookie = (await page.sign_in()).cookie
        for both in (f"{other}; {cookie}", f"{cookie}; {other}"):
            assert (await page.ask("/api/state", cookie=both)).status == 200
        assert (await page.ask("/api/state", cookie=other)).status == 401
        assert (await page.ask("/login", cookie=other)).status == 200


async def test_forms_that_do_not_come_keep_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more than are waited for the one that takes longest is given up; whoever sends a whole one is looked at."""
    monkeypatch.setattr(forms, "_WITHIN", 2 * PATIENCE)
    head = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    half = f"{head}Content-Length: 100\r\n\r\npassword=".encode()
    async with house(tmp_path, **PASSWORDS) as page, asyncio.timeout(PATIENCE):
        coming = [await asyncio.open_connection("127.0.0.1", page.port) for _ in range(MOST_COMING + 2)]
        for _, writer in coming:
            writer.write(half)
            await writer.drain()
        for reader, _ in coming[:2]:
            assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        assert (await page.sign_in()).status == 303
        coming[-1][1].write(b"x" * 91)
        assert (await coming[-1][0].readline()).startswith(b"HTTP/1.1 401 ")
        for _, writer in coming:
            writer.transport.abort()


# --- wrong ones -------------------------------------------------------------------------------------------------------


async def test_five_wrong_ones_are_enough_for_a_minute(tmp_path: Path) -> None:
    clock = FakeClock()
    async with house(tmp_path, clock, **PASSWORDS) as page:
        inside = (await page.sign_in()).cookie
        for _ in range(5):
            clock.seconds += 10
            assert (await page.sign_in("wrong")).status == 401
        for password in (OWNER, VIEWER, "wrong"):
            got = await page.sign_in(password)
            assert (got.status, got.headers["Retry-After"], got.set_cookie) == (429, "20", "")
        assert "20 seconds" in got.text
        assert (await page.ask("/api/state", cookie=inside)).status == 200
        assert (await page.post("/api/command/buy", inside)).status == 200
        clock.seconds += 19.5
        assert (await page.sign_in()).headers["Retry-After"] == "1"
        clock.seconds += 0.5
        assert (await page.sign_in()).status == 303
        assert (await page.sign_in("wrong")).status == 401
        assert (await page.sign_in()).status == 429


async def test_right_ones_take_back_no_wrong_one(tmp_path: Path) -> None:
    """Else whoever knows the viewer's password could try the owner's for ever."""
    async with house(tmp_path, **PASSWORDS) as page:
        for _ in range(5):
            assert (await page.sign_in("wrong")).status == 401
            assert (await page.sign_in(VIEWER)).status in (303, 429)
        assert (await page.sign_in(VIEWER)).status == 429


async def test_many_at_once_are_looked_at_one_after_the_other(tmp_path: Path) -> None:
    async with house(tmp_path, **PASSWORDS) as page:
        found = await asyncio.gather(*(page.sign_in("wrong") for _ in range(20)))
        assert sorted(got.status for got in found) == [401] * 5 + [429] * 15


async def test_a_proxy_on_this_machine_says_who_is_wrong(tmp_path: Path) -> None:
    async with house(tmp_path, **PASSWORDS) as page:
        for number in range(5):
            forged = f"198.51.100.{number}, 203.0.113.9"
            assert (await page.sign_in("wrong", **{"X-Forwarded-For": forged})).status == 401
        assert (await page.sign_in(**{"X-Forwarded-For": "203.0.113.9"})).status == 429
        assert (await page.sign_in(**{"X-Forwarded-For": "::ffff:203.0.113.9, 127.0.0.1"})).status == 429
        assert (await page.sign_in(**{"X-Forwarded-For": "203.0.113.10"})).status == 303
        assert (await page.sign_in()).status == 303


async def test_a_network_of_ipv6_is_one_address(tmp_path: Path) -> None:
    async with house(tmp_path, **PASSWORDS) as page:
        for number in range(5):
            assert (await page.sign_in("wrong", **{"X-Forwarded-For": f"2001:db8::{number:x}"})).status == 401
        assert (await page.sign_in(**{"X-Forwarded-For": "2001:db8::ffff:1:2:3"})).status == 429
        assert (await page.sign_in(**{"X-Forwarded-For": "2001:db8:0:1::1"})).status == 303


# --- sessions ---------------------------------------------------------------------------------------------------------


async def test_a_session_outlives_a_restart_and_its_cookie_is_not_kept(tmp_path: Path) -> None:
    async with house(tmp_path, port=8107, **PASSWORDS) as page:
        owner, viewer = (await page.sign_in()).cookie, (await page.sign_in(VIEWER)).cookie
        gone = (await page.sign_in()).cookie
        await page.post("/logout", gone)
    file = tmp_path / sessions.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [sessions.FILE]  # noqa: PTH208 - beside the loop's own
    text = file.read_text()
    for secret in (owner.partition("=")[2], viewer.partition("=")[2], OWNER, VIEWER, json.dumps(OWNER)[1:-1]):
        assert secret not in text
    async with house(tmp_path, port=8107, **PASSWORDS) as page:
        assert (await page.post("/api/command/buy", owner)).status == 200
        assert (await page.ask("/api/state", cookie=viewer)).headers["Shomare-Role"] == "viewer"
        assert (await page.post("/api/command/buy", viewer)).status == 403
        assert (await page.ask("/api/state", cookie=gone)).status == 401


@pytest.mark.parametrize(
    ("after", "owner_in", "viewer_in"),
    [
        ({"password": "another", "viewer_password": VIEWER}, 401, 200),
        ({"password": OWNER, "viewer_password": "another"}, 200, 401),
        ({"password": OWNER}, 200, 401),
        ({"password": VIEWER, "viewer_password": OWNER}, 401, 401),
    ],
)
async def test_another_password_ends_the_sessions_of_the_one_before(
    tmp_path: Path, after: dict[str, Any], owner_in: int, viewer_in: int
) -> None:
    async with house(tmp_path, port=8107, **PASSWORDS) as page:
        owner, viewer = (await page.sign_in()).cookie, (await page.sign_in(VIEWER)).cookie
    for _ in range(2):
        async with house(tmp_path, port=8107, **after) as page:
            assert (await page.ask("/api/state", cookie=owner)).status == owner_in
            assert (await page.ask("/api/state", cookie=viewer)).status == viewer_in
    async with house(tmp_path, port=8107, **PASSWORDS) as page:  # the old one again: nobody comes back
        assert (await page.ask("/api/state", cookie=owner)).status == owner_in
        assert (await page.ask("/api/state", cookie=viewer)).status == viewer_in


async def test_no_password_for_a_while_leaves_no_session(tmp_path: Path) -> None:
    async with house(tmp_path, port=8107, **PASSWORDS) as page:
        owner = (await page.sign_in()).cookie
    async with house(tmp_path, port=8107) as page:
        assert (await page.ask("/api/state")).status == 200
    async with house(tmp_path, port=8107, **PASSWORDS) as page:
        assert (await page.ask("/api/state", cookie=owner)).status == 401


async def test_thirty_days_without_use_end_a_session(tmp_path: Path) -> None:
    clock, ended = FakeClock(), list[sessions.Session]()
    async with house(tmp_path, clock, port=8107, **PASSWORDS) as page:
        page.doors.on_ended.append(ended.append)
        used, unused = (await page.sign_in()).cookie, (await page.sign_in()).cookie
        for _ in range(3):
            clock.seconds += 10 * DAY
            assert (await page.ask("/api/state", cookie=used)).status == 200
        assert not ended
        clock.seconds += 1
        assert (await page.ask("/api/state", cookie=unused)).status == 401
        assert len(ended) == 1
    clock.seconds += 30 * DAY - 2
    async with house(tmp_path, clock, port=8107, **PASSWORDS) as page:
        assert (await page.ask("/api/state", cookie=used)).status == 200
    clock.seconds += 31 * DAY
    async with house(tmp_path, clock, port=8107, **PASSWORDS) as page:
        assert (await page.ask("/api/state", cookie=used)).status == 401


async def test_a_clock_that_was_wrong_ends_no_session(tmp_path: Path) -> None:
    """A Raspberry Pi begins in the past."""
    clock = FakeClock()
    clock.seconds = 400 * DAY
    async with house(tmp_path, clock, port=8107, **PASSWORDS) as page:
        cookie = (await page.sign_in()).cookie
        clock.seconds = 0
        assert (await page.ask("/api/state", cookie=cookie)).status == 200
        clock.seconds = 31 * DAY
        assert (await page.ask("/api/state", cookie=cookie)).status == 401


async def test_whoever_listens_is_told_of_the_end(tmp_path: Path) -> None:
    ended: list[sessions.Session] = []
    async with house(tmp_path, **PASSWORDS) as page:
        page.doors.on_ended.append(ended.append)
        cookie = (await page.sign_in(VIEWER)).cookie
        await page.post("/logout")
        assert not ended
        await page.post("/logout", cookie)
        assert len(ended) == 1


async def test_there_are_only_so_many_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_MOST", 3)
    clock = FakeClock()
    async with house(tmp_path, clock, **PASSWORDS) as page:
        cookies = []
        for _ in range(4):
            cookies.append((await page.sign_in()).cookie)
            clock.seconds += 1
        assert [(await page.ask("/api/state", cookie=each)).status for each in cookies] == [401, 200, 200, 200]


async def test_viewers_put_no_owner_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_MOST", 3)
    clock = FakeClock()
    async with house(tmp_path, clock, **PASSWORDS) as page:
        owner = (await page.sign_in()).cookie
        for _ in range(5):
            clock.seconds += 1
            await page.sign_in(VIEWER)
        assert (await page.ask("/api/state", cookie=owner)).status == 200


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"salt": 7, "sessions": []}',
        b'{"cost": null, "salt": "zz", "owner": "zz", "sessions": {"a": 1}}',
    ],
)  # fmt: skip
async def test_a_file_that_says_nothing_lets_nobody_in(tmp_path: Path, text: bytes) -> None:
    (tmp_path / sessions.FILE).write_bytes(text)
    async with house(tmp_path, **PASSWORDS) as page:
        assert (await page.ask("/api/state")).status == 401
        assert (await page.sign_in()).status == 303


async def test_sessions_of_no_known_kind_are_left_out(tmp_path: Path) -> None:
    async with house(tmp_path, port=8107, **PASSWORDS) as page:
        cookie = (await page.sign_in(VIEWER)).cookie
    file = tmp_path / sessions.FILE
    kept = json.loads(file.read_text())
    (name,) = kept["sessions"]
    for row in (7, {}, {"who": 3, "used": 0}, {"who": 0, "used": 0}, {"who": "2", "used": 0}, {"who": 1, "used": "x"}):
        file.write_text(json.dumps({**kept, "sessions": {name: row}}))
        async with house(tmp_path, port=8107, **PASSWORDS) as page:
            assert (await page.ask("/api/state", cookie=cookie)).status == 401


async def test_a_link_in_the_files_place_leads_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("another's")
    state = tmp_path / "state"
    state.mkdir()
    (state / sessions.FILE).symlink_to(outside)
    async with house(state, **PASSWORDS) as page:
        assert (await page.sign_in()).status == 303
    assert outside.read_text() == "another's"
    assert not (state / sessions.FILE).is_symlink()


async def test_where_nothing_can_be_kept_one_signs_in_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path / "nowhere", **PASSWORDS) as page:
        cookie = (await page.sign_in()).cookie
        assert (await page.ask("/api/state", cookie=cookie)).status == 200
    assert caplog.text.count("who is signed in cannot be kept") == 1


# --- a viewer ---------------------------------------------------------------------------------------------------------


async def test_a_viewer_looks_and_sends_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, **PASSWORDS) as page:
        cookie = (await page.sign_in(VIEWER)).cookie
        for path in ("/", "/app.js", "/api/state", "/api/events", "/api/lately"):
            assert (await page.ask(path, cookie=cookie)).text == INSIDE
        assert (await page.ask("/api/state", cookie=cookie)).headers["Shomare-Role"] == "viewer"
        for path in (
            "/api/command/buy",
            "/api/command/query/profile",
            "/api/command/nothing",
            "/api/doctor",
            "/broken",
        ):
            got = await page.post(path, cookie)
            assert got.status == 403
            assert "viewer only looks" in got.text
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            assert (await page.ask("/api/state", method, cookie)).status == 403
        assert (await page.post("/logout", cookie)).status == 303


# --- other sites ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:{port}", "127.0.0.1", "localhost:{port}", "LOCALHOST", "localhost.", "[::1]:{port}", "[2001:db8::1]",
        "192.168.1.5:80", "{machine}", "{machine}:{port}", "{machine}.local", "page.example", "PAGE.example.:8443",
        "xn--mgbca.example", "url.example", "named.example:{port}",
    ],
)  # fmt: skip
async def test_names_that_people_reach_it_by(tmp_path: Path, host: str) -> None:
    machine = socket.gethostname().partition(".")[0]
    settings: dict[str, Any] = {
        "allowed_hosts": ["page.example", "ها.example"],
        "url": "https://url.example:8443/page/",
    }
    if "xn--" in host:
        host = "ها.example".encode("idna").decode()
    async with house(tmp_path, **settings) as page:
        page.settings["allowed_hosts"] = [*settings["allowed_hosts"], "named.example"]  # as a reload changes it
        named = host.format(port=page.port, machine=machine)
        assert (await page.ask("/api/state", headers={"Host": named})).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:{port}", "page.example.evil.example", "127.0.0.1.evil.example", "xpage.example",
        "localhost.evil.example", "evil.example#page.example", "page.example@evil.example", "evil.example:80:80", "",
        "[::1", "page.example/", "page.example evil.example", "127.0.0.1:{port}, evil.example", "sub.page.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/api/state", "/login", "/healthz", "/nothing"])
async def test_names_of_others_are_misdirected(tmp_path: Path, host: str, path: str) -> None:
    async with house(tmp_path, allowed_hosts=["page.example"]) as page:
        named = host.format(port=page.port)
        got = await page.ask(path, headers={"Host": named})
        assert got.status == 421
        assert INSIDE not in got.text
        assert got.headers["Content-Security-Policy"]


async def test_no_host_or_two_are_misdirected(tmp_path: Path) -> None:
    async with house(tmp_path) as page:
        for lines in (b"", b"Host: 127.0.0.1\r\nHost: evil.example\r\n", b"Host: evil.example\r\nHost: 127.0.0.1\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
            writer.write(b"GET /api/state HTTP/1.1\r\n" + lines + b"Connection: close\r\n\r\n")
            async with asyncio.timeout(PATIENCE):
                found = await reader.read()
            writer.close()
            assert found.split(b" ")[1] in (b"400", b"421")
            assert INSIDE.encode() not in found


async def test_an_address_that_names_another_host_is_misdirected(tmp_path: Path) -> None:
    async with house(tmp_path) as page:
        for name, status in (("evil.example", b"421"), (f"127.0.0.1:{page.port}", b"200"), ("127.0.0.1", b"200")):
            head = f"GET http://{name}/api/state HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nConnection: close\r\n\r\n"
            found = await page.send(head.encode())
            assert (found.split(b" ")[1], INSIDE.encode() in found) == (status, status == b"200")


OURS: list[dict[str, str]] = [
    {},
    {"Origin": "http://127.0.0.1:{port}"},
    {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Host": "page.example", "Origin": "https://page.example"},
    {"Host": "page.example", "Origin": "https://page.example:8443"},
    {"Host": "page.example:8443", "Origin": "https://page.example:8443"},
    {"Host": "192.168.1.5", "Origin": "http://192.168.1.5"},
    {"Host": "[::1]:{port}", "Origin": "http://[::1]:{port}"},
    {"Origin": "https://page.example"},  # a proxy that passes no Host on
    {"Origin": "https://url.example"},
    {"Host": "LocalHost:{port}", "Origin": "http://localhost:{port}"},
]
OTHERS: list[dict[str, str]] = [
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "https://evil.example"},
    {"Origin": "http://evil.example:{port}"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://localhost:{port}"},
    {"Origin": "https://127.0.0.1.evil.example"},
    {"Origin": "https://page.example.evil.example"},
    {"Origin": "https://evil.example/127.0.0.1:{port}"},
    {"Origin": "file://"},
    {"Origin": "chrome-extension://page.example"},
    {"Origin": "https://evil@page.example"},
    {"Host": "page.example", "Origin": "https://xpage.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "whatever"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:{port}"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    {"Sec-Fetch-Site": "none", "Origin": "https://evil.example"},
]


def _written(headers: dict[str, str], port: int) -> dict[str, str]:
    return {name: value.format(port=port) for name, value in headers.items()}


@pytest.mark.parametrize("headers", OURS, ids=str)
async def test_what_our_own_page_sends(tmp_path: Path, headers: dict[str, str]) -> None:
    async with house(tmp_path, allowed_hosts=["page.example"], url="https://url.example/") as page:
        assert (await page.post("/api/command/buy", headers=_written(headers, page.port))).text == INSIDE


@pytest.mark.parametrize("headers", OTHERS, ids=str)
@pytest.mark.parametrize("password", [None, OWNER])
async def test_what_another_site_sends(tmp_path: Path, headers: dict[str, str], password: str | None) -> None:
    settings: dict[str, Any] = {"allowed_hosts": ["page.example"]} | ({"password": password} if password else {})
    async with house(tmp_path, **settings) as page:
        cookie = (await page.sign_in()).cookie if password else ""
        written = _written(headers, page.port)
        for path in ("/api/command/buy", "/login", "/logout", "/api/doctor", "/nothing"):
            got = await page.post(path, cookie, headers=written, data={"password": OWNER})
            assert (got.status, INSIDE in got.text, got.set_cookie) == (403, False, "")
        assert (await page.ask("/api/state", cookie=cookie)).text == INSIDE
        got = await page.ask("/api/state", cookie=cookie, headers=written)
        assert got.status == 200  # it only looks, and cannot read what it sees
        assert not [name for name in got.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("is_ingress", [False, True])
async def test_every_answer_tells_the_browser_what_may_be(tmp_path: Path, is_ingress: bool) -> None:
    told: list[BaseException] = []
    settings = {"ingress_peer": "127.0.0.1"} if is_ingress else PASSWORDS
    async with house(tmp_path, is_ingress=is_ingress, told=told, **settings) as page:
        cookie = "" if is_ingress else (await page.sign_in()).cookie
        for method, path in (*every_request(), ("GET", "/login"), ("POST", "/login"), ("GET", "/healthz")):
            for given in {"", cookie}:
                if path == "/api/doctor":
                    continue
                headers = (await page.ask(path, method, given)).headers
                policy = headers["Content-Security-Policy"]
                assert "unsafe" not in policy
                assert "default-src 'none'" in policy
                assert policy.endswith("frame-ancestors 'self'" if is_ingress else "frame-ancestors 'none'")
                assert headers["X-Content-Type-Options"] == "nosniff"
                assert "Server" not in headers
                assert not [name for name in headers if name.lower().startswith("access-control-")]
                if path.startswith("/api/"):
                    assert headers["Cache-Control"] == "no-store"


NO_REQUESTS = (
    b"STEAL /secret HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /secret HTTP/1.1\r\n\r\n",
    b"GET /secret HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    b"GET /secret HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n",
    b"GET secret HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /secret HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
)


@pytest.mark.parametrize("is_ingress", [False, True])
@pytest.mark.parametrize("request_", NO_REQUESTS)
async def test_so_does_the_answer_to_what_is_no_request(tmp_path: Path, request_: bytes, is_ingress: bool) -> None:
    settings = {"ingress_peer": "127.0.0.1"} if is_ingress else PASSWORDS
    async with house(tmp_path, is_ingress=is_ingress, **settings) as page:
        found = (await page.send(request_)).decode()
    assert found.split(" ")[1] == "400"
    assert ("frame-ancestors 'self'" if is_ingress else "frame-ancestors 'none'") in found
    assert "X-Content-Type-Options: nosniff" in found
    for told in ("aiohttp", "Python", "secret", "aaaa"):
        assert told not in found


async def test_a_fault_of_ours_is_told_and_lets_nobody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[BaseException] = []
    async with house(tmp_path, told=told, **PASSWORDS) as page:
        cookie = (await page.sign_in()).cookie
        got = await page.post("/broken", cookie)
        assert (got.status, "in a handler" in got.text) == (500, False)
        monkeypatch.setattr(sessions.Sessions, "find", None)
        got = await page.ask("/api/state", cookie=cookie)
        assert (got.status, got.headers["Cache-Control"], INSIDE in got.text) == (500, "no-store", False)
    assert [type(error) for error in told] == [RuntimeError, TypeError]


# --- ingress ----------------------------------------------------------------------------------------------------------


async def test_at_the_ingress_home_assistant_is_the_owner(tmp_path: Path) -> None:
    async with house(tmp_path, is_ingress=True, ingress_peer="127.0.0.1", **PASSWORDS) as page:
        for headers in ({}, {"Host": "ha.example:8123"}, {"Host": "ha.example", "Origin": "https://ha.example"}):
            assert (await page.ask("/api/state", headers=headers)).text == INSIDE
            assert (await page.post("/api/command/buy", headers=headers)).text == INSIDE
        forwarded = {"Host": "a0d7b954", "X-Forwarded-Host": "ha.example:8123", "Origin": "http://ha.example:8123"}
        assert (await page.post("/api/command/buy", headers=forwarded)).text == INSIDE
        assert (await page.ask("/api/state")).headers["Shomare-Session"] == "no"
        assert (await page.ask("/login")).headers["Location"] == "./"
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Host": "ha.example", "Origin": "https://evil.example"}):
            assert (await page.post("/api/command/buy", headers=headers)).status == 403


@pytest.mark.parametrize("peer", ["172.30.32.2", "127.0.0.2", "::1"])
async def test_at_the_ingress_nobody_else_is_let_in(tmp_path: Path, peer: str) -> None:
    async with house(tmp_path, is_ingress=True, ingress_peer=peer, **PASSWORDS) as page:
        for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Hass-Source", "X-Ingress-Path"):
            got = await page.ask("/api/state", headers={header: peer})
            assert (got.status, INSIDE in got.text) == (403, False)
        assert (await page.ask("/healthz")).status == 403
