"""Runs the rules in their order; what none of them knows is left to a model."""

import msgspec

from streams.ai.labels import Label
from streams.ai.rules.automated import find_automated, is_calendar_acceptance, is_receipt
from streams.ai.rules.cleaning import Words
from streams.ai.rules.delivery_failure import find_bounce, is_dead_mailbox
from streams.ai.rules.hostility import is_abuse, is_wrong_number
from streams.ai.rules.opt_out import find_opt_out
from streams.ai.rules.reply import Reply


class RuleHit(msgspec.Struct, frozen=True):
    """A rule was sure."""

    rule: str
    label: Label
    opt_out: bool = False
    bounce: bool = False


def decide(reply: Reply, words: Words) -> RuleHit | None:
    """The first rule that applies; opt-outs and bounces come before whatever else the message says."""
    text = words.text
    if reply.channel == "email" and (hit := _mail_server_or_calendar(reply, words)):
        return hit
    # Also in what addressed a model: it may hide a wish for silence, and can never lift one.
    if rule := find_opt_out(text, words.subject) or (words.injection_suspected and find_opt_out(words.with_signature)):
        return RuleHit(f"opt-out/{rule}", "Blacklist", opt_out=True)
    if is_abuse(text):
        return RuleHit("abuse", "Blacklist")
    if reply.channel != "email" and is_wrong_number(text):
        return RuleHit("wrong-number", "Blacklist")
    if automated := find_automated(words.subject, text):
        return RuleHit(automated, "Out of Office" if automated == "out-of-office" else "Automated Reply")
    return None if any(char.isalnum() for char in text) or _says_something(text) else RuleHit("nothing-left", "Neutral")


def _mail_server_or_calendar(reply: Reply, words: Words) -> RuleHit | None:
    # The whole body: a report quotes with the same marks as an answer.
    if bounce := find_bounce(words.subject, reply.text):
        if bounce == "delivery-delayed":
            return RuleHit(bounce, "Automated Reply")
        return RuleHit(bounce, "Blacklist", bounce=True)
    if is_receipt(words.subject, reply.text):
        return RuleHit("receipt", "Automated Reply")
    if is_dead_mailbox(words.subject, words.text):
        return RuleHit("dead-mailbox", "Blacklist")
    if is_calendar_acceptance(words.subject, words.text):
        return RuleHit("calendar-acceptance", "Meeting Booked")
    return None


def _says_something(text: str) -> bool:
    """Punctuation and emoji may still take a stance; a model reads them."""
    return bool(text.strip())
