"""Persian words in Latin letters, in their many spellings; whole answers of such names stand in the tables."""

from __future__ import annotations

import pytest

from shomare_mqtt.provider.reading.finglish import in_english
from shomare_mqtt.provider.reading.names import words

SPELLINGS = {
    "time": "zaman zamaan zamane vaght vaqt",
    "remaining": "baghimande baqimande baghimandeh baqimandeh mande mandeh baghi baqi",
    "balance": "mojodi mojoodi mojudi moujodi mojoudi",
    "credit": "etebar etebaar",
    "number": "shomare shomareh shomaare shomareye",
    "country": "keshvar keshwar keshvaar",
    "countries": "keshvarha keshwarha",
    "price": "gheymat qeymat gheimat qeimat gheymate",
    "status": "vaziat vaziyat vaziyyat vaziate",
    "text": "payam payaam peyam matn matne",
    "message": "peygham peyqam peigham",
    "response": "pasokh pasox",
    "date": "tarikh tarix taarikh",
    "expiry": "enghza enqza engheza enqeza monghazi monqazi",
}


@pytest.mark.parametrize("meaning", SPELLINGS)
def test_spellings_of_one_word(meaning: str) -> None:
    assert {word: in_english((word,)) for word in SPELLINGS[meaning].split()} == dict.fromkeys(
        SPELLINGS[meaning].split(), (meaning,)
    )


def test_english_words_stay_what_they_are() -> None:
    own = "name number time status text message code date order order_id created_at length height highlight count total"
    assert not any(in_english(words(name)) for name in own.split())
