"""Turns an e-mail's HTML into the text a reader sees, with or without what it quotes.

lxml is the parser because its time stays linear on hostile input: the HTML5 tree builders need the
square of the depth for a megabyte of nested `<div>`, and the standard library's parser that of the
number of unclosed comments.
"""

import re

import msgspec
from lxml import etree

#: Characters read of an e-mail's HTML: what lies beyond is quoted history or inlined pictures.
READ_LIMIT = 262_144
_TAG = re.compile(r"<(?:[a-z][a-z0-9]*[\s/>]|/[a-z]|!--|!doctype)", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]{0,2000}>")
_BLANK_LINES = re.compile(r"\n{3,}")
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
#: Containers of history or a signature, by class and by id, as the mail programs mark them.
_QUOTE_CLASSES = frozenset({
    "gmail_attr", "gmail_quote", "moz-cite-prefix", "moz-forward-container", "protonmail_quote", "yahoo_quoted",
    "zmail_extra", "tutanota_quote", "gmail_signature", "gmail_signature_prefix", "protonmail_signature_block",
    "moz-signature",
})  # fmt: skip
_QUOTE_IDS = frozenset({
    "ms-outlook-mobile-signature", "mail-editor-reference-message-container",
    "ms-outlook-mobile-body-separator-line", "apple-mail-signature", "isforwardcontent", "isreplycontent",
})  # fmt: skip
#: Outlook on the web marks where history begins; everything after the mark belongs to it.
_QUOTE_STARTS = frozenset({"divrplyfwdmsg", "appendonsend", "x_divrplyfwdmsg", "x_appendonsend"})


class OwnWords(msgspec.Struct, frozen=True):
    """An HTML body without its marked history."""

    text: str
    #: True when the mail program had marked history or a signature.
    had_marks: bool


def looks_like_html(value: str) -> bool:
    """True when the value has a tag; `<name@example.com>` is none."""
    return bool(_TAG.search(value[:READ_LIMIT]))


def html_to_text(html: str) -> str:
    """All that a reader sees, history included."""
    root = _parse(html)
    return _without_tags(html) if root is None else _Visible(root).text()


def own_words(html: str) -> OwnWords:
    """What a reader sees outside the history and signatures that mail programs mark as such."""
    root = _parse(html)
    if root is None:
        return OwnWords(_without_tags(html), had_marks=False)
    visible = _Visible(root)
    marks = [element for element in root.iter() if _is_mark(element)]
    for element in marks:
        visible.leave_out_mark(element)
    return OwnWords(visible.text(), had_marks=bool(marks))


class _Visible:
    """A tree and what of it is left out. Nothing is removed: moving the text behind removed elements is quadratic."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._without: set[etree._Element] = {element for element in root.iter() if _is_hidden(element)}
        #: Elements behind which the text is left out too.
        self._without_tail: set[etree._Element] = set()

    def leave_out_mark(self, element: etree._Element) -> None:
        if element in self._without:
            return
        self._without.add(element)
        if _id(element) in _QUOTE_STARTS:
            rest = (element, *element.itersiblings())
            self._without.update(rest)
            self._without_tail.update(rest)
        elif "gmail_quote" in _classes(element) and element.tag != "blockquote":
            self._leave_out_gmail_history(element)

    def _leave_out_gmail_history(self, container: etree._Element) -> None:
        """Answers between the quotes stay: Gmail puts them beside the block quotes, inside the container."""
        first_quote = container.find("./blockquote")
        if first_quote is None:
            return
        self._without.remove(container)
        before = list(first_quote.itersiblings(preceding=True))
        self._without.update(before)
        self._without_tail.update(before)
        container.text = None

    def text(self) -> str:
        pieces: list[str] = []
        walk = etree.iterwalk(self._root, events=("start", "end"))
        for event, element in walk:
            tag = element.tag
            if event == "start" and element in self._without:
                walk.skip_subtree()
            elif event == "start":
                pieces.append("\n" if tag in _BLOCKS else "")
                pieces.append("- " if tag == "li" else "")
                pieces.append(_folded(element.text))
            else:
                pieces.append("\n" if tag in _BLOCKS or tag == "br" else " " if tag in _CELLS else "")
                pieces.append("" if element in self._without_tail else _folded(element.tail))
        lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
        return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


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


def _is_mark(element: etree._Element) -> bool:
    classes = _classes(element)
    return (
        bool(classes & _QUOTE_CLASSES)
        or any(name.endswith("yahoo_quoted") for name in classes)
        or _id(element) in _QUOTE_IDS | _QUOTE_STARTS
        or (element.tag == "blockquote" and (element.get("type") or "").lower() == "cite")
    )


def _folded(text: str | None) -> str:
    """HTML's line breaks are spaces."""
    return (text or "").replace("\r", " ").replace("\n", " ")
