"""Builds whole mails out of forms: plain and HTML, history quoted or not, signed, answered between and below quotes.

The forms are data (`fitted.toml` and its neighbours); the words of a mail are known because they are put in here.
"""

import html as markup
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

_FOLDER = Path(__file__).parent
_WIDTH = 76
_ME = "pat@zen.example"


class Mail(msgspec.Struct, frozen=True):
    """One mail and what its author wrote in it."""

    name: str
    program: str
    language: str
    plain: str
    html: str
    own: str


class _Form(msgspec.Struct, frozen=True):
    program: str
    language: str
    says: str
    wrapper: str
    html: str
    quotes: bool
    own: str
    history: tuple[str, ...]
    closing: str
    who: tuple[str, str]


def mails(part: str) -> list[Mail]:
    """All mails of a part, which is a file's name; the same each time."""
    data = tomllib.loads((_FOLDER / f"{part}.toml").read_text(encoding="utf-8"))
    found = [mail for number, form in enumerate(_forms(data)) for mail in _variants(form, number)]
    found += [Mail(**({"program": "a person", "language": "en", "html": ""} | one)) for one in data.get("mail", ())]
    return found


def _forms(data: dict[str, Any]) -> Iterator[_Form]:
    number = 0
    people = [tuple(one) for one in data.get("people", _PEOPLE)]
    for form in data["form"]:
        for language, says in form["says"].items():
            words = data["words"][language]
            closings = data.get("closings", {}).get(language, [""])
            history = data["history"].get(language, data["history"]["en"])
            yield _Form(
                program=form["program"],
                language=language,
                says=says,
                wrapper=form.get("wrapper", {}).get(language, ""),
                html=form["html"],
                quotes=form["quotes"],
                own=words[number % len(words)],
                history=tuple(history),
                closing=closings[number % len(closings)],
                who=people[number % len(people)],
            )
            number += 1


_PEOPLE = (
    ("Kim Sender", "kim@sender.example"),
    ("Kim Sender-Lindqvist", "kim.sender-lindqvist@customer-success.sender.example"),
    ("Sender, Kim (Sales)", "kim@sender.example"),
    ("Jo van der Berg", "jo@sender.example"),
    ("Kim from Sender Company", "hello@sender.example"),
)


def _variants(form: _Form, number: int) -> Iterator[Mail]:
    """Three to five mails of a form: which of the rarer shapes, turns with its number."""
    says = form.says.format(who=form.who[0], mail=form.who[1], me=_ME, topic="a short question")
    wrapped = _wrapped(says)
    own, top = form.own, _top(form.own, form.wrapper)
    if form.program != "Yahoo":
        yield _mail(form, "plain", f"{top}\n\n{wrapped}\n\n{_history(form, quoted=form.quotes)}", "", own)
    if form.quotes or number % 2:
        flat = says.replace("> ", "") if says.startswith("> ") else says
        yield _mail(form, "flat", f"{top}\n{flat}\n\n{_history(form, quoted=False)}\n", "", own)
    if form.html:
        body = _html(form, says, own)
        yield _mail(form, "html", "", body, own)
        if number % 2:
            yield _mail(form, "both", f"{top}\n\n{wrapped}\n\n{_history(form, quoted=form.quotes)}", body, own)
    if form.quotes and number % 3 == 0:
        yield _mail(form, "between", *_between(form, wrapped))
    if form.quotes and number % 3 == 1:
        yield _mail(form, "below", f"{wrapped}\n{_history(form, quoted=True)}\n\n{own}\n", "", own)
    if form.closing and number % 2:
        signed = f"{own}\n\n{form.closing}\nPat Zen"
        card = (
            "Head of Operations | Zen Logistics\n4 Example Road, 12345 Springfield\n+49 30 555 0148 | www.zen.example"
        )
        yield _mail(
            form, "signed", f"{signed}\n{card}\n\n{wrapped}\n\n{_history(form, quoted=form.quotes)}", "", signed
        )
    if number % 5 == 2:
        dashed = f"{own}\n\n-- \nPat Zen\nZen Logistics"
        yield _mail(form, "dashes", f"{dashed}\n\n{wrapped}\n\n{_history(form, quoted=form.quotes)}", "", own)


def _mail(form: _Form, shape: str, plain: str, html: str, own: str) -> Mail:
    return Mail(f"{form.program}, {form.language}, {shape}", form.program, form.language, plain, html, own)


def _wrapped(says: str) -> str:
    """Long lines are broken as programs break them."""
    return "\n".join(
        "\n".join(textwrap.wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False)) or line
        for line in says.split("\n")
    )


def _top(own: str, wrapper: str) -> str:
    return f"{own}\n\n{wrapper}" if wrapper else own


def _history(form: _Form, *, quoted: bool) -> str:
    text = "\n\n".join(form.history)
    return _quoted(text) if quoted else text


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _between(form: _Form, wrapped: str) -> tuple[str, str, str]:
    *questions, last = form.history
    first = _quoted("\n\n".join(questions))
    own = f"{form.own}\n\n{form.own}"
    return f"{wrapped}\n\n{first}\n\n{form.own}\n\n{_quoted(last)}\n\n{form.own}\n", "", own


def _html(form: _Form, says: str, own: str) -> str:
    lines = "".join(f"<div>{markup.escape(line) or '<br>'}</div>" for line in own.split("\n"))
    old = "".join(f"<p>{markup.escape(line)}</p>" for line in form.history)
    said = "<br>".join(markup.escape(line) for line in says.strip().split("\n"))
    wrapper = f"<div>{markup.escape(form.wrapper.removeprefix('-- '))}</div>" if form.wrapper else ""
    return f"<html><body>{_HTML[form.html].format(own=lines, wrapper=wrapper, said=said, old=old)}</body></html>"


_HTML = {
    "gmail": '<div dir="ltr">{own}</div>{wrapper}<br><div class="gmail_quote gmail_quote_container">'
    '<div dir="ltr" class="gmail_attr">{said}<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 1ex">'
    "<div>{old}</div></blockquote></div>",
    "gmail-forward": '<div dir="ltr">{own}<br><br><div class="gmail_quote gmail_quote_container">'
    '<div dir="ltr" class="gmail_attr">{said}<br></div><br><br>{old}</div></div>',
    "outlook": '<div class="WordSection1">{own}{wrapper}<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;'
    'padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal">{said}</p></div></div>{old}</div>',
    "outlook-web": '<div class="elementToProof">{own}</div><div id="ms-outlook-mobile-signature">{wrapper}</div>'
    '<div id="appendonsend"></div><hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" dir="ltr">{said}'
    "<div>&nbsp;</div></div><div>{old}</div>",
    "apple": "{own}<br>{wrapper}<div><br><blockquote type='cite'><div>{said}</div><br class='Apple-newline'>"
    "<div>{old}</div></blockquote></div><br>",
    "thunderbird": "{own}<div class='moz-cite-prefix'>{said}<br></div><blockquote type='cite' cite='mid:1@x.example'>"
    "{old}</blockquote>",
    "yahoo": "<div class='ydp1yahoo-style-wrap'><div dir='ltr'>{own}</div></div><div id='ydp2yahoo_quoted_1' "
    "class='ydp2yahoo_quoted'><div><div>{said}</div><div><br></div><div>{old}</div></div></div>",
    "proton": "{own}<div class='protonmail_signature_block'>{wrapper}</div><div class='protonmail_quote'>{said}<br>"
    "<blockquote class='protonmail_quote' type='cite'>{old}</blockquote></div>",
    "zoho": "<div>{own}</div><div class='zmail_extra'><div>{said}</div><blockquote style='border-left:1px solid #ccc'>"
    "{old}</blockquote></div>",
    "web-de": "<div>{own}<div style='margin:10px 5px 5px 10px;border-left:2px solid #C3D9E5'><div>{said}</div>"
    "<div name='quoted-content'>{old}</div></div></div>",
    "tutanota": "{own}<div>{said}<br></div><blockquote class='tutanota_quote'>{old}</blockquote>",
    "evolution": "{own}<div><br></div><div>{said}</div><blockquote type='cite' style='margin:0'>{old}</blockquote>",
    "roundcube": "<p>{own}</p><p id='reply-intro'>{said}</p><blockquote type='cite' style='padding: 0 0.4em'>{old}"
    "</blockquote>",
    "alimail": "<div class='__aliyun_email_body_block'>{own}<blockquote style='margin-right:0'><div>{said}</div>{old}"
    "</blockquote></div>",
    "spark": "<div name='messageBodySection'>{own}</div><div name='messageSignatureSection'>{wrapper}</div>"
    "<div name='messageReplySection'>{said}<br><blockquote type='cite' class='spark_quote'>{old}</blockquote></div>",
    "front": "<div>{own}</div><div class='front-blockquote'><div>{said}</div><blockquote type='cite'>{old}</blockquote>"
    "</div>",
    "apple-outside": "<div>{own}</div><div>{said}</div><blockquote type='cite' id='qt'>{old}</blockquote>",
    "plain-quote": "<div>{own}</div><div>{wrapper}</div><div>{said}</div><blockquote style='margin:0 0 0 10px'>{old}"
    "</blockquote>",
}
