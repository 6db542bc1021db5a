"""What people are told in one sentence: everything that can't be carried out as things are."""


class Refusal(RuntimeError):
    """The message is the sentence: what happened, why, and what to do. It quotes nobody's text and no secret."""
