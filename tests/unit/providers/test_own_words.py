"""The author's words in a thousand mails of the programs of the world: the bars of docs/providers.md."""

import tomllib
from pathlib import Path

import pytest

from bench.mails.building import mails
from bench.own_words import ALLOWED_TO_DIFFER, PARTS, headrace
from headrace.providers.own_words import languages

_FILES = sorted((Path(languages.__file__).parent / "languages").glob("*.toml"))
_FIELDS = {
    "name", "opens", "weekdays", "months", "wrote", "pronouns", "by", "separators", "forwards", "forwarded_by", "sent",
    "get", "filler", "footers", "banners", "disclaimers", "closings", "labels",
}  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_own_words_are_found_and_never_lost(part: str) -> None:
    found = headrace(mails(part))
    assert found.lost == 0
    assert found.exact >= (1 - ALLOWED_TO_DIFFER) * found.mails


def test_the_labelled_mails_are_many_and_of_many_programs_and_languages() -> None:
    asked = [mail for part in PARTS for mail in mails(part)]
    assert len(asked) >= 1000
    assert len({mail.program for mail in asked}) >= 60
    assert len({mail.language for mail in asked}) >= 30
    assert len({(mail.plain, mail.html) for mail in asked}) >= 0.99 * len(asked)


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.stem)
def test_every_language_says_all_there_is_to_say(file: Path) -> None:
    data = tomllib.loads(file.read_text())
    assert _FIELDS - data.keys() == set()
    assert {"from", "date", "to", "subject", "copy"} == data["labels"].keys()
    assert data["name"] in languages.NAMES
