"""HTML to text: what a reader sees, with and without history."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.providers.html_text import html_to_text, looks_like_html, marked_lines
from headrace.providers.own_words.lines import Mark
from tests.growth import MOST_GROWTH, growth


def test_blocks_breaks_lists_and_cells() -> None:
    html = "<p>Hi&nbsp;Kim,</p><div>one<br>two</div><ul><li>a</li><li>b</li></ul>"
    html += "<table><tr><td>x</td><td>y</td></tr></table>"
    assert html_to_text(html) == "Hi Kim,\n\none\ntwo\n\n- a\n\n- b\n\nx y"


@pytest.mark.parametrize(
    "hidden",
    [
        "<style>p{}</style>",
        "<script>x</script>",
        "<!-- x -->",
        '<div style="display: none">x</div>',
        '<span style="font-size:0px">x</span>',
        "<div hidden>x</div>",
        "<template>x</template>",
    ],
)
def test_the_hidden_is_left_out_and_the_text_behind_it_kept(hidden: str) -> None:
    assert html_to_text(f"<p>before{hidden} after</p>").split() == ["before", "after"]


def marks(html: str) -> dict[str, Mark]:
    return {text: mark for text, mark in marked_lines(html) if text}


def test_history_is_shown_and_marked() -> None:
    html = '<div>New.</div><blockquote type="cite">Old.</blockquote>'
    assert html_to_text(html) == "New.\n\nOld."
    assert marks(html) == {"New.": Mark.NONE, "Old.": Mark.BLOCK_QUOTE | Mark.CITED}


def test_a_plain_block_quote_may_be_the_author_s() -> None:
    html = "<p>They say:</p><blockquote>fast</blockquote>"
    assert marks(html) == {"They say:": Mark.NONE, "fast": Mark.BLOCK_QUOTE}


def test_a_block_quote_in_a_container_for_history_is_cited() -> None:
    html = '<div class="gmail_quote">a<blockquote>b</blockquote>c</div>d'
    assert marks(html) == {
        "a": Mark.HISTORY,
        "b": Mark.HISTORY | Mark.BLOCK_QUOTE | Mark.CITED,
        "c": Mark.HISTORY,
        "d": Mark.NONE,
    }


def test_behind_outlook_s_mark_everything_beside_it_is_history() -> None:
    html = '<div><p>a</p><div id="appendonsend"></div><p>b</p></div><p>c</p>'
    assert marks(html) == {"a": Mark.NONE, "b": Mark.HISTORY, "c": Mark.NONE}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<p>x", True),
        ("x</div>", True),
        ("<!DOCTYPE html>", True),
        ("a < b > c", False),
        ("<kim@sender.example>", False),
    ],
)
def test_looks_like_html(value: str, expected: bool) -> None:
    assert looks_like_html(value) is expected


@given(st.text(alphabet=list("<>/!-div ab=\"'&;#\n\0\ud800"), max_size=200))
@settings(deadline=None)
def test_no_html_is_too_odd(html: str) -> None:
    html_to_text(html)
    marked_lines(html)


@pytest.mark.parametrize(
    "unit",
    [
        "<div>",
        '<blockquote type="cite">',
        "<!--",
        "<",
        "&",
        "<a b='",
        "<b><i><p>",
        "<p hidden></p>x",
        '<div id="appendonsend">',
        '<div class="gmail_quote">',
        '<div class="gmail_quote"><blockquote></blockquote>x</div>',
        "<![CDATA[",
        "</p>",
        "<?",
    ],
)
def test_a_megabyte_of_anything_is_read_without_growing_cost(unit: str) -> None:
    """Quadratic readers need minutes for these."""
    for size in (262_144, 1_048_576):
        assert growth(html_to_text, unit, size) < MOST_GROWTH
        assert growth(marked_lines, unit, size) < MOST_GROWTH
