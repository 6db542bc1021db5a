"""docs/dates.md shows what the grammar does."""

from bench.date_docs import PAGE, page


def test_the_page_says_what_is_read() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "Run python -m bench.date_docs."
