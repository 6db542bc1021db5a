"""The committed model is what training makes of the committed replies, and numpy scores as scikit-learn does."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

from streams.ai.evaluation import Labelled, load_labelled
from streams.ai.labels import PRIORITY
from streams.ai.local.grams import letter_grams, normal, word_grams
from streams.ai.local.linear import LinearModel
from streams.ai.local.signals import signal_names
from training.train import CARD, REPLIES, Rows, _below_bar, check, cross_validated, main, packed_npz, rows_of, train


@pytest.fixture(scope="module")
def replies() -> list[Labelled]:
    return load_labelled(REPLIES)


@pytest.fixture(scope="module")
def some_rows(replies: list[Labelled]) -> Rows:
    return rows_of(replies[::4], None)


def test_numpy_scores_as_scikit_learn_does(some_rows: Rows) -> None:
    trained = train(some_rows)
    model = LinearModel(trained.arrays, signal_names())
    expected = trained.predict(some_rows)
    for row, text in enumerate(some_rows.texts):
        plain = normal(text)
        shares = model.probabilities(word_grams(plain), letter_grams(plain), some_rows.signals[row].tolist())
        found = np.array([shares[label] for label in model.labels])
        # Weights are kept as 16-bit floats.
        assert np.abs(found - expected[row]).max() < 0.01
        assert found.argmax() == expected[row].argmax()


def test_training_again_gives_the_same_bytes(some_rows: Rows) -> None:
    assert packed_npz(train(some_rows).arrays) == packed_npz(train(some_rows).arrays)


def test_the_card_names_the_committed_data() -> None:
    card = msgspec.json.decode(CARD.read_bytes())
    assert card["sha256"] == {"replies.jsonl": hashlib.sha256(REPLIES.read_bytes()).hexdigest()}


def test_the_committed_lexical_model_is_the_trained_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.train.embedding_available", lambda: False)
    assert check([REPLIES], with_scores=False) == []


def test_a_model_below_any_bar_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    good = {"accuracy": 0.82, "opt_out_recall": 0.98, "false_opt_outs": 0}
    assert _below_bar("hybrid", good) == []
    for bad in ({"accuracy": 0.8199}, {"opt_out_recall": 0.979}, {"false_opt_outs": 1}):
        (problem,) = _below_bar("hybrid", good | bad)
        assert problem.startswith("hybrid: ")
    assert "0.8199" in capsys.readouterr().out


def test_cross_validation_counts_what_the_model_silences_unseen(replies: list[Labelled]) -> None:
    authors = sorted({item.author_batch or "" for item in replies})[:6]
    rows = rows_of([item for item in replies if item.author_batch in authors][::2], None)
    deaf = msgspec.structs.replace(rows, ruled=[None] * len(rows.texts))
    heard, by_model_alone = cross_validated(rows), cross_validated(deaf)
    assert heard["opt_out_recall"] == 1.0
    assert by_model_alone["opt_out_recall"] < 0.98


def test_changed_data_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = tmp_path / "more.jsonl"
    changed.write_bytes(b"{}")
    assert main(["--check", str(changed)]) == 1
    assert "the data changed" in capsys.readouterr().err


def test_there_are_enough_replies_of_every_kind(replies: list[Labelled]) -> None:
    assert len(replies) >= 600
    assert len({item.author_batch for item in replies}) >= 10
    assert len({item.id for item in replies}) == len(replies)
    assert set(Counter(item.label for item in replies)) == set(PRIORITY)


def test_no_reply_is_there_twice(replies: list[Labelled]) -> None:
    assert len({(item.reply.channel, item.reply.text, item.reply.history) for item in replies}) == len(replies)


def test_flags_fit_the_labels(replies: list[Labelled]) -> None:
    for item in replies:
        assert item.label == "Blacklist" or not (item.opt_out or item.bounce), item.id
        assert not (item.opt_out and item.bounce), item.id
        assert not item.bounce or item.reply.channel == "email", item.id
        assert (item.reply.channel == "email") == bool(item.reply.subject), item.id


def test_hosts_and_numbers_are_fictional(replies: list[Labelled]) -> None:
    for item in replies:
        for host in re.findall(r"[\w.-]+@([\w.-]+\w)", item.reply.text):
            assert host.endswith(".example"), item.id
        if item.contains_phone and item.contains_phone.startswith("+1"):
            assert re.fullmatch(r"\+1\d{3}55501\d\d", item.contains_phone), item.id
