"""Turns an e-mail's HTML into the text a reader sees, and says what its marks tell of each line.

lxml is the parser because its time stays linear on hostile input: the HTML5 tree builders need the
square of the depth for a megabyte of nested `<div>`, and the standard library's parser that of the
number of unclosed comments.
"""

import re
from collections.abc import Iterator

from lxml import etree

from headrace.providers.own_words.lines import Mark

#: Characters read of an e-mail's HTML: what lies beyond is quoted history or inlined pictures.
READ_LIMIT = 262_144
_TAG = re.compile(r"<(?:[a-z][a-z0-9]*[\s/>]|/[a-z]|!--|!doctype)", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]{0,2000}>")
_INVISIBLE = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "svg", "select"})
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "figure",
    "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "nav", "ol", "p",
    "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul",
})  # fmt: skip
_CELLS = frozenset({"td", "th"})
_HIDING_STYLE = re.compile(
    r"display:none|visibility:hidden|mso-hide:all|font-size:0(?:px|pt)?(?:;|$)|max-height:0(?:px)?(?:;|$)"
)
#: How mail programs mark what is not the author's, by class and by id.
_CLASSES = {
    "gmail_quote": Mark.HISTORY,
    "gmail_quote_container": Mark.HISTORY,
    "moz-forward-container": Mark.HISTORY,
    "protonmail_quote": Mark.HISTORY,
    "yahoo_quoted": Mark.HISTORY,
    "zmail_extra": Mark.HISTORY,
    "tutanota_quote": Mark.HISTORY,
    "yandex_quote": Mark.HISTORY,
    "gmail_attr": Mark.ATTRIBUTION,
    "moz-cite-prefix": Mark.ATTRIBUTION,
    "gmail_signature": Mark.SIGNATURE,
    "gmail_signature_prefix": Mark.SIGNATURE,
    "protonmail_signature_block": Mark.SIGNATURE,
    "moz-signature": Mark.SIGNATURE,
}
_IDS = {
    "ms-outlook-mobile-signature": Mark.SIGNATURE,
    "apple-mail-signature": Mark.SIGNATURE,
    "mail-editor-reference-message-container": Mark.HISTORY,
    "isforwardcontent": Mark.HISTORY,
    "isreplycontent": Mark.HISTORY,
}
#: Outlook marks where history begins; everything after the mark belongs to it.
_STARTS = frozenset({
    "divrplyfwdmsg", "appendonsend", "x_divrplyfwdmsg", "x_appendonsend", "ms-outlook-mobile-body-separator-line",
})  # fmt: skip


def looks_like_html(value: str) -> bool:
    """True when the value has a tag; `<name@example.com>` is none."""
    return bool(_TAG.search(value[:READ_LIMIT]))


def html_to_text(html: str) -> str:
    """All that a reader sees, history included."""
    return "\n".join(text for text, _ in marked_lines(html)).strip()


def marked_lines(html: str) -> list[tuple[str, Mark]]:
    """The lines that a reader sees, each with what HTML's marks say about it; no two blank ones in a row."""
    root = _parse(html)
    if root is None:
        return [(_without_tags(html), Mark.NONE)]
    lines: list[tuple[str, Mark]] = []
    for text, mark in _lines(root):
        line = " ".join(text.split())
        if line or (lines and lines[-1][0]):
            lines.append((line, mark))
    return lines


def _lines(root: etree._Element) -> Iterator[tuple[str, Mark]]:
    line: list[str] = []
    before = Mark.NONE
    for text, mark in _pieces(root):
        if mark != before:
            if any(line):
                yield "".join(line), before
                line = []
            before = mark
        first, *rest = text.split("\n")
        line.append(first)
        for part in rest:
            yield "".join(line), mark
            line = [part]
    yield "".join(line), before


def _pieces(root: etree._Element) -> Iterator[tuple[str, Mark]]:
    """What is shown in the order it is shown, with `\\n` where a line ends."""
    marks: list[Mark] = []
    mark = Mark.NONE
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = element.tag
        if event == "start":
            marks.append(mark)
            if _is_hidden(element):
                walk.skip_subtree()
                continue
            mark = _mark(element, mark)
            yield "\n" if tag in _BLOCKS else "", mark
            yield ("- " if tag == "li" else "") + _folded(element.text), mark
        else:
            yield "\n" if tag in _BLOCKS or tag == "br" else " " if tag in _CELLS else "", mark
            mark = marks.pop()
            if _id(element) in _STARTS:
                mark |= Mark.HISTORY
            yield _folded(element.tail), mark


def _parse(html: str) -> etree._Element | None:
    """The tree, or None where there is no element."""
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        return etree.fromstring(html[:READ_LIMIT].encode("utf-8", "ignore"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _without_tags(html: str) -> str:
    return _ANY_TAG.sub(" ", html[:READ_LIMIT]).strip()


def _is_hidden(element: etree._Element) -> bool:
    if not isinstance(element.tag, str) or element.tag in _INVISIBLE or element.get("hidden") is not None:
        return True
    style = (element.get("style") or "").lower().replace(" ", "")
    return bool(style) and bool(_HIDING_STYLE.search(style))


def _classes(element: etree._Element) -> set[str]:
    return set((element.get("class") or "").lower().split())


def _id(element: etree._Element) -> str:
    return (element.get("id") or "").lower()


def _mark(element: etree._Element, around: Mark) -> Mark:
    """What this element adds to the marks around it."""
    classes = _classes(element)
    mark = _IDS.get(_id(element), Mark.NONE) | (Mark.HISTORY if _id(element) in _STARTS else Mark.NONE)
    for name in classes:
        mark |= _CLASSES.get("yahoo_quoted" if name.endswith("yahoo_quoted") else name, Mark.NONE)
    if element.tag == "blockquote":
        is_cited = (element.get("type") or "").lower() == "cite" or (mark | around) & Mark.HISTORY
        return around | Mark.BLOCK_QUOTE | (Mark.CITED if is_cited else Mark.NONE)
    return around | mark


def _folded(text: str | None) -> str:
    """HTML's line breaks are spaces."""
    return (text or "").replace("\r", " ").replace("\n", " ")
