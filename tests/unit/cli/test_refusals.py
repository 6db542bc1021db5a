"""Errors that are somebody's to mend are a sentence."""

import psycopg
import pytest

from headrace.settings import Settings
from operations.cli.main import main
from operations.cli.refusals import sentence_of


@pytest.mark.parametrize(
    "url",
    [
        "localhost:5432/headrace",
        "mysql://root@db/headrace",
        "host=db dbname=headrace password=hush",
        "postgresql://u:hush@db:port/x",
    ],
)
def test_an_address_that_is_none_names_its_variable_and_quotes_no_password(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setattr("sys.argv", ["headrace", "db", "status"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert told.startswith("DATABASE_URL is not usable: ")
    assert "write postgresql://user:password@host:5432/database" in told
    assert "hush" not in told


def test_what_only_libpq_can_tell_of_an_address_is_a_sentence_too() -> None:
    with pytest.raises(psycopg.Error) as raised:
        psycopg.connect("postgresql://u:hu%zzsh@127.0.0.1:1/x")
    sentence = sentence_of(raised.value)
    assert sentence is not None
    assert sentence.startswith("DATABASE_URL can't be used")
    assert "hu%" not in sentence


@pytest.mark.parametrize(
    "url",
    ["postgres://db/x", "postgresql+psycopg://u@db:5432/x", "postgresql:///x?host=/tmp", "postgresql://a:1,b:2/x"],
)
def test_every_form_that_works_is_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert Settings().database_url == url
