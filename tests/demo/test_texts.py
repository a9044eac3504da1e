"""The phrases: every language has every intent, every slot can be filled."""

import string

import pytest

from aihub.demo.organizations import ORGANIZATIONS
from aihub.demo.texts import LANGUAGES, estimate_tokens, load_phrases

SLOTS = {"reference", "product", "city", "amount", "date", "days"}
INTENTS = {i for o in ORGANIZATIONS for m in o.modules.values() for i in m.intents}


def list_texts(phrases):
    for known in phrases.intents.values():
        yield from known.ask + known.answer
        yield from (text for pair in known.follow for text in pair)
    yield from (text for pair in phrases.follow for text in pair)
    yield from phrases.greetings + phrases.thanks + phrases.goodbyes + phrases.details


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_whole(language):
    phrases = load_phrases(language)
    assert set(phrases.intents) == INTENTS
    assert set(phrases.comments) == {"good", "mixed", "bad"}
    assert len(phrases.follow) >= 4
    for text in list_texts(phrases):
        names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        assert names <= SLOTS, text
        assert text.strip(), language


def test_languages_of_organizations_are_those_with_phrases():
    assert {name for o in ORGANIZATIONS for name in o.languages} == set(LANGUAGES)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        pytest.param("Where is my order?", 4, 6, id="English"),
        pytest.param("注文はいつ届きますか。", 7, 11, id="Japanese"),
        pytest.param("أين طلبي الآن؟", 4, 8, id="Arabic"),
        pytest.param("मेरा ऑर्डर कहाँ है?", 5, 10, id="Hindi"),
        pytest.param("", 0, 0, id="empty"),
    ],
)
def test_token_estimates_follow_the_script(text, low, high):
    assert low <= estimate_tokens(text) <= high
