"""An approved plain text as the HTML that some providers want: the same words, nothing added."""

import html


def as_html(text: str) -> str:
    """Escaped, with `<br/>` for each line break: the one break that all of them keep."""
    return "<br/>".join(html.escape(line, quote=False) for line in text.splitlines())


def answering(subject: str | None) -> str:
    """The subject of an answer."""
    named = (subject or "").strip()
    return named if named.lower().startswith("re:") else f"Re: {named}".strip()
