"""Whom doctor says that the page is open to."""

from __future__ import annotations

from typing import Any

import pytest

from shomare_mqtt.config import GivenSettings
from shomare_mqtt.doctor.web import of_web


def found(**web: Any) -> list[tuple[str, str]]:
    settings = GivenSettings.model_validate({"web": {"enabled": True, **web}})
    findings = list(of_web(settings))
    assert all("hush" not in f"{each.text} {each.advice}" for each in findings)
    assert all(bool(each.advice) is (each.state != "good") for each in findings)
    return [(each.state.value, each.text) for each in findings]


def test_without_a_page_nothing_is_said() -> None:
    assert not list(of_web(GivenSettings.model_validate({"web": {"password": "hush"}})))


@pytest.mark.parametrize(
    ("web", "state", "words"),
    [
        ({}, "good", "from this machine alone, and asks for no password: every user"),
        ({"url": "http://localhost:8099/"}, "good", "asks for no password"),
        ({"url": "https://page.example/"}, "unknown", "whoever reaches that may buy, unless a proxy asks them"),
        ({"password": "hush"}, "good", "lets in whoever knows the password"),
        ({"password": "hush", "viewer_password": "hush2"}, "good", "see orders without codes, and send nothing"),
        ({"password": "hush", "host": "0.0.0.0"}, "unknown", "without TLS"),
        ({"password": "hush", "host": "0.0.0.0", "url": "http://page.example/"}, "unknown", "without TLS"),
        ({"password": "hush", "host": "0.0.0.0", "url": "https://page.example/"}, "good", "port 8099 of 0.0.0.0"),
    ],
)
def test_who_reaches_it(web: dict[str, Any], state: str, words: str) -> None:
    ((seen, text),) = found(**web)
    assert (seen, words in text) == (state, True)


def test_the_ingress_is_named() -> None:
    _, (state, text) = found(ingress_port=8100, ingress_peer="172.30.32.9")
    assert state == "good"
    assert "port 8100 lets in Home Assistant at 172.30.32.9 alone" in text
