"""JSON with markup around it, as PHP and proxies send it, and pages that only quote some."""

from __future__ import annotations

import time

import pytest

from shomare_mqtt.provider.reading.decode import Decoded, RawAnswer, decode

WARNING = "<br />\n<b>Warning</b>:  Undefined array key 7 in <b>/srv/x.php</b> on line <b>1</b><br />\n"
PLAIN_WARNING = "\nWarning: Undefined variable $x in /srv/x.php on line 3\n"
XDEBUG = (
    "<br />\n<font size='1'><table class='xdebug-error' border='1'>\n<tr><th colspan='5'><span>( ! )</span> Notice: "
    "Undefined index: a in /srv/x.php on line <i>3</i></th></tr>\n<tr><th>Call Stack</th></tr>\n"
    "<tr><td>1</td><td>0.0001</td><td>{main}(  )</td><td title='/srv/x.php'>.../x.php<b>:</b>0</td></tr>\n"
    "</table></font>\n"
)
OBJECT = '{"status": true, "data": {"id": 7}}'

WRAPPED = {
    "a warning before it": WARNING + OBJECT,
    "a warning as plain text": PLAIN_WARNING + OBJECT,
    "two warnings of different kinds": WARNING + PLAIN_WARNING + OBJECT,
    "a warning behind it": OBJECT + WARNING,
    "warnings on both sides": WARNING + OBJECT + PLAIN_WARNING,
    "a line of the log": "[24-Nov-2026 12:00:00 UTC] PHP Deprecated:  f(): {closure} in x.php on line 3\n" + OBJECT,
    "a table of Xdebug's": XDEBUG + OBJECT,
    "a warning that names brackets": "<b>Warning</b>: PDO: SQLSTATE[HY000] [2002] no in <b>x</b> on line 9<br>"
    + OBJECT,
    "a fatal error behind the answer": OBJECT + "\nFatal error: Uncaught E: x in /x.php:3\nStack trace:\n#0 {main}\n"
    "  thrown in /x.php on line 3\n",
    "a comment behind it": OBJECT + "\n<!-- 0.034 s, {cached} -->",
    "what a host adds": OBJECT + "<script>var a = {};</script><style>b {}</style><noscript><img src='x'></noscript>",
    "a browser's own page": "<html><head></head><body><pre style=\"a: '>'\">" + OBJECT + "</pre></body></html>",
    "XML around it": '<?xml version="1.0"?>\n<string xmlns="http://tempuri.org/">' + OBJECT + "</string>",
    "a mark of byte order behind the warning": WARNING + "\ufeff" + OBJECT,
    "a guard against inclusion": ")]}',\n" + OBJECT,
    "a loop against inclusion": "while(1);" + OBJECT,
    "a callback": "/**/cb_1.done(" + OBJECT + ");",
    "NULs at the end": OBJECT + "<br>\0\0",
}

PAGES = {
    "a page of words": "<html><body><h1>Blocked</h1>" + OBJECT + "</body></html>",
    "a page with a title": "<html><head><title></title></head><body>" + OBJECT + "</body></html>",
    "a page with JSON in a script": '<html><body><script type="application/json">' + OBJECT + "</script></body></html>",
    "a page with JSON in a comment": "<html><!-- " + OBJECT + " --><body></body></html>",
    "a page with JSON in an attribute": "<div data-page='" + OBJECT + "'></div>",
    "a page with a frame": "<iframe src='http://10.10.34.34'></iframe>" + OBJECT,
    "a page with a form": "<form><input value='x'></form>" + OBJECT,
    "JSON in a field": "<textarea>" + OBJECT + "</textarea>",
    "two values": OBJECT + OBJECT,
    "two values with a warning between": OBJECT + WARNING + OBJECT,
    "an empty list before it": "[]" + OBJECT,
    "a number before it": "1" + OBJECT,
    "a word before it": "Array\n" + OBJECT,
    "words before it in its line": "error: " + OBJECT,
    "words behind it": OBJECT + " was refused",
    "a warning without its end": "<b>Warning</b>: Undefined key " + OBJECT,
    "a warning and words": WARNING + "Please log in<br>" + OBJECT,
    "cut off": WARNING + OBJECT[:-2],
    "cut off, with brackets inside": WARNING + '{"status": true, "data": [{"id": 7}, {"id"',
    "a bare number": WARNING + "7",
    "a bare text": WARNING + '"STATUS_OK"',
    "a script without an end": "<script>" + OBJECT,
    "a comment without an end": "<!-- " + OBJECT,
    "a tag without an end": "<div class='" + OBJECT,
    "a callback without an end": "cb(" + OBJECT,
    "a guard and words": ")]}'," + OBJECT + "x",
    "a guard and no JSON": ")]}', x",
    "nested too deeply": WARNING + "[" * 60 + "]" * 60,
    "nested beyond all bounds": WARNING + "[" * 100_000,
    "a number beyond all bounds": WARNING + '{"a": 1e999999}',
    "more markup than any answer has": "<br>" * 20_000 + OBJECT,
    "more markup behind it than any answer has": OBJECT + "<br>" * 20_000,
}


@pytest.mark.parametrize("text", WRAPPED.values(), ids=WRAPPED)
def test_json_with_nothing_but_markup_around_it_is_the_answer(text: str) -> None:
    assert decode(RawAnswer(200, text.encode())) == Decoded(
        {"status": True, "data": {"id": 7}}, is_json=True, wrapped=True
    )


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_a_page_that_quotes_json_is_no_answer(text: str) -> None:
    assert not decode(RawAnswer(200, text.encode())).is_json


def test_json_alone_has_no_markup_around_it() -> None:
    assert not decode(RawAnswer(200, b"\xef\xbb\xbf" + OBJECT.encode() + b"\r\n\0")).wrapped


HOSTILE = {
    "tags": "<" * 400_000,
    "tags that end nowhere": "</a '" * 80_000,
    "a tag's name that ends nowhere": "<" + "a-" * 200_000,
    "comments that end nowhere": "<!--" * 100_000,
    "brackets": "\n{" * 200_000,
    "brackets with a text": '\n{"' * 150_000,
    "warnings": "Warning: " * 50_000,
    "warnings behind JSON": OBJECT + "\nWarning: " * 6_000,
    "stacks": OBJECT + "\nWarning: on line 1 Call Stack (    [x]" * 1_600,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_markup_takes_long(text: str) -> None:
    begun = time.process_time()
    decode(RawAnswer(200, text.encode()))
    assert time.process_time() - begun < 2  # what grows with the square takes minutes
