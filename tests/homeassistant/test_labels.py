"""Labels and the selects' options."""

from __future__ import annotations

from hypothesis import given, strategies

from shomare_mqtt.core.market.labels import by_label, labels
from shomare_mqtt.homeassistant import selects
from shomare_mqtt.model import Catalog, CatalogEntry, CatalogKind
from shomare_mqtt.normalization import fold


def entries(*named: tuple[str, ...]) -> tuple[CatalogEntry, ...]:
    return tuple(CatalogEntry(i, names[0] if names else "", tuple(names)) for i, *names in named)


def test_unique_name_is_the_label_and_others_get_their_id() -> None:
    found = labels(entries(("1", "Telegram"), ("2", "Other"), ("3", "Other")))
    assert found == {"1": "Telegram", "2": "Other (2)", "3": "Other (3)"}


def test_names_that_only_differ_in_letter_forms_are_not_unique() -> None:
    assert labels(entries(("1", "كيك"), ("2", "کیک"))) == {"1": "كيك (1)", "2": "کیک (2)"}


def test_name_that_is_another_ones_id_or_further_name_is_not_unique() -> None:
    assert labels(entries(("1", "2"), ("2", "Two"))) == {"1": "2 (1)", "2": "Two"}
    assert labels(entries(("1", "ایران", "Iran"), ("2", "Iran")))["2"] == "Iran (2)"


def test_generated_label_does_not_meet_a_name() -> None:
    assert labels(entries(("1", "A"), ("2", "A"), ("3", "A (1)"))) == {"1": "A (1) (1)", "2": "A (2)", "3": "A (1)"}


def test_entry_without_name_is_shown_by_its_id() -> None:
    assert labels(entries(("5", ""))) == {"5": "5"}


def test_label_stays_a_state_that_home_assistant_takes() -> None:
    assert len(labels(entries(("1", "x" * 300), ("2", "x" * 300)))["1"]) < 255
    assert labels(entries(("1", " two \n lines "))) == {"1": "two lines"}


ids = strategies.sampled_from(["0", "1", "2", "7", "A", "a", "any", "A (1)", "۷"])
names = strategies.sampled_from(["", " ", "A", "a", "A (1)", "A (1) (1)", "1", "7", "۷", "none", "Any", "x" * 250])
catalogs = strategies.lists(strategies.tuples(ids, names, names), max_size=9, unique_by=lambda entry: entry[0]).map(
    lambda found: entries(*found)
)


@given(catalogs)
def test_each_label_is_there_once_and_leads_back_to_its_entry(given_entries: tuple[CatalogEntry, ...]) -> None:
    found = labels(given_entries)
    assert list(found) == [entry.id for entry in given_entries]
    assert all(label.strip() for label in found.values())
    assert len(set(found.values())) == len(found)
    known, index = {entry.id for entry in given_entries}, by_label(given_entries)
    for entry_id, label in found.items():
        assert label == entry_id or label not in known
        assert label in known or index[fold(label)] == entry_id


def test_two_thousand_labels_are_each_there_once() -> None:
    many = tuple(CatalogEntry(str(i), f"Application {i // 2}", (f"برنامه {i}",)) for i in range(2000))
    assert len(set(labels(many).values())) == 2000


APPLICATIONS = Catalog(
    CatalogKind.APPLICATIONS, entries(("3", "Telegram", "تلگرام"), ("1", "Other"), ("2", "Other"), ("9", "None"))
)


def test_all_are_offered_unless_told() -> None:
    assert list(selects.offered(APPLICATIONS).values()) == ["Telegram", "Other (1)", "Other (2)", "None (9)"]
    assert selects.offered(None) == {}


def test_narrowed_by_id_name_or_label_in_any_letters() -> None:
    assert list(selects.offered(APPLICATIONS, ("9", "تلگرام"))) == ["3", "9"]
    assert list(selects.offered(APPLICATIONS, ("other (2)",))) == ["2"]
    assert list(selects.offered(APPLICATIONS, ("OTHER",))) == ["1", "2"]
    assert selects.unmatched(APPLICATIONS, ("Telegram", "9", "Telegramm")) == ("Telegramm",)


def test_what_is_set_is_offered_whatever_the_settings_say() -> None:
    assert selects.offered(APPLICATIONS, ("Telegram",), "2") == {"3": "Telegram", "2": "Other (2)"}
    assert selects.offered(APPLICATIONS, ("Telegram",), "77") == {"3": "Telegram", "77": "77"}
    assert selects.offered(None, (), "any") == {"any": "any"}


def test_option_that_would_mean_no_option_is_renamed() -> None:
    assert selects.renamed(selects.offered(APPLICATIONS), APPLICATIONS) == {"None": "None (9)"}
    assert by_label(APPLICATIONS.entries)[fold("None (9)")] == "9"
