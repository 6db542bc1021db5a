"""Labels a reply with no network: the rules first, then the best model that is installed."""

import hashlib
from collections.abc import Callable
from importlib.resources import files
from typing import Literal

import msgspec

from streams.ai.labels import Label
from streams.ai.local.embedding import Embedder, embedding_available, load_embedder
from streams.ai.local.grams import letter_grams, normal, word_grams
from streams.ai.local.linear import LinearModel, Variant, load_arrays
from streams.ai.local.signals import signal_names, signals
from streams.ai.rules.cleaning import Words, own_words
from streams.ai.rules.decision import RuleHit, decide
from streams.ai.rules.phone import find_phone
from streams.ai.rules.proposed_time import proposes_time
from streams.ai.rules.reply import Reply, Turn

__all__ = ["Classification", "LocalClassifier", "Reply", "Turn"]

#: Below this a person should look: there the model is wrong more often than not.
REVIEW_BELOW = 0.30
#: A model this sure of Blacklist adds an opt-out; less sure, it only stops drafts until a person confirms. The least at
#: which no reply of an author it had not seen was silenced wrongly: see `training.train`.
OPT_OUT_ABOVE = 0.65
Choice = Literal["auto", "lexical", "hybrid", "rules"]


class Classification(msgspec.Struct, frozen=True):
    """What a reply means."""

    label: Label
    #: The person asks to end contact, complains of spam or threatens legal steps: suppress the lead.
    opt_out: bool
    bounce: bool
    #: E.164.
    contains_phone: str | None
    #: A day, date or clock time for a meeting or call with us.
    proposed_time: bool
    #: Of the label, 0 to 1; 1 from a rule.
    confidence: float
    #: The rule that decided, or None where the model did.
    rule: str | None
    #: Which model was loaded, with the beginning of its hash.
    model: str
    #: Text that addressed a model was cut out before reading: nothing may be sent or booked without a person.
    injection_suspected: bool
    needs_review: bool
    probabilities: dict[Label, float]


class LocalClassifier:
    """Rules and a linear model, loaded once; `classify` may run in several threads at a time."""

    name = "local"

    def __init__(self, choice: Choice = "auto") -> None:
        """`auto` takes the hybrid where the extra `headrace[embed]` is installed.

        Raises ModuleNotFoundError for a hybrid without it.
        """
        variant: Variant = "hybrid" if choice == "hybrid" or (choice == "auto" and embedding_available()) else "lexical"
        self._embed: Embedder | None = load_embedder() if variant == "hybrid" and choice != "rules" else None
        self._linear = None if choice == "rules" else LinearModel(load_arrays(variant), signal_names())
        self.model = "rules" if choice == "rules" else f"{variant}-{_digest(variant)}"

    def classify(self, reply: Reply) -> Classification:
        """Never raises for any text, and takes time linear in its length."""
        words = own_words(reply)
        hit = decide(reply, words)
        if hit is None:
            return self._by_model(reply, words)
        return self._classification(hit, words, confidence=1.0, probabilities={hit.label: 1.0})

    def _by_model(self, reply: Reply, words: Words) -> Classification:
        shares = self.probabilities(reply, words.text)
        label = max(shares, key=lambda candidate: shares[candidate])
        opt_out = label == "Blacklist" and shares[label] >= OPT_OUT_ABOVE
        guess = RuleHit("", label, opt_out=opt_out)
        return self._classification(guess, words, confidence=shares[label], probabilities=shares)

    def probabilities(self, reply: Reply, text: str) -> dict[Label, float]:
        """The model's word alone, without the rules; `text` is the reply's own words."""
        if self._linear is None:
            return {"Neutral": 0.0}
        plain = normal(text)
        embedding = self._embed(text) if self._embed else None
        return self._linear.probabilities(word_grams(plain), letter_grams(plain), signals(reply, text), embedding)

    def _classification(
        self, hit: RuleHit, words: Words, *, confidence: float, probabilities: dict[Label, float]
    ) -> Classification:
        unconfirmed = not hit.rule and hit.label == "Blacklist"
        return Classification(
            label=hit.label,
            opt_out=hit.opt_out,
            bounce=hit.bounce,
            contains_phone=find_phone(words.with_signature),
            proposed_time=proposes_time(hit.label, words.text),
            confidence=round(confidence, 4),
            rule=hit.rule or None,
            model=self.model,
            injection_suspected=words.injection_suspected,
            needs_review=confidence < REVIEW_BELOW or words.injection_suspected or unconfirmed,
            probabilities=probabilities,
        )


def _digest(variant: Variant) -> str:
    return hashlib.sha256(files("streams.ai.local").joinpath(f"{variant}.npz").read_bytes()).hexdigest()[:8]


#: What anything that labels replies looks like, to be measured by `streams.ai.evaluation`.
Classify = Callable[[Reply], Classification]
