"""All there is to tell of one dead letter: the record, what was done about it, what can be, and what it belongs to."""

from datetime import datetime

import msgspec

from headrace.events.dead_letters import QUARANTINE
from headrace.settings import Settings
from operations.letters.kept_records import kept_records
from operations.letters.letter import Letter, LetterFilter, LetterStep
from operations.letters.letter_list import find_letters, steps_of
from operations.letters.plan import works
from operations.letters.remedy import InVain, action_of
from operations.records.redaction import shown_headers
from operations.records.shown_record import Shower, ShownRecord


class LetterStory(msgspec.Struct, frozen=True, kw_only=True):
    """One letter."""

    letter: Letter
    #: As it stood at its place; None when it is not kept any more. Texts only where they were asked for.
    record: ShownRecord | None
    #: Its own, before anybody gave up on it.
    headers: dict[str, str]
    steps: list[LetterStep]
    #: What a redrive would do, or why it would be in vain and what to do instead.
    advice: str
    #: Other letters of the same webhook.
    related: list[str]


def letter_story(settings: Settings, id_: str, *, texts: bool, by: str, now: datetime) -> LetterStory | None:
    """The story of a letter, None when there is none of this id. Raises psycopg.Error, KafkaUnreachable."""
    found = find_letters(settings, LetterFilter(ids=(id_,), quarantine=id_.endswith(f":{QUARANTINE}")))
    if not found:
        return None
    letter = found[0]
    record = next(record for piece in kept_records(settings, [letter]) for _, record in piece)
    shown = None if record is None else Shower(settings, texts=texts).show(record)
    return LetterStory(
        letter=letter,
        record=shown,
        headers={} if record is None else shown_headers(record.headers),
        steps=steps_of(settings, letter),
        advice=_advice(settings, letter, by, now),
        related=_related(settings, letter),
    )


def _advice(settings: Settings, letter: Letter, by: str, now: datetime) -> str:
    ((_, remedy),) = next(works(settings, [letter], by, now))
    if isinstance(remedy, InVain):
        return f"A redrive would be in vain: {remedy.why}. What to do: {remedy.what_to_do}."
    return f"`headrace dlq redrive {letter.id} --execute` would {action_of(remedy)}."


def _related(settings: Settings, letter: Letter) -> list[str]:
    if letter.receipt_id is None:
        return []
    others = find_letters(settings, LetterFilter(receipt_id=letter.receipt_id))
    return [one.id for one in others if one.id != letter.id]
