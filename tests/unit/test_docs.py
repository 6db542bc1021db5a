"""README and docs tell the truth about the command: what they show exists, and no verb is left out."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from operations.cli.main import LazyCommands, app, whole_command

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCED = re.compile(r"^```(?:sh|bash|console)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(headrace [^`\n]*)`")
_COMMAND = re.compile(r"(?:^|[\s(])(?:\S*/)?headrace ([a-z][^\n|&;>)]*)", re.MULTILINE)


def told(page: Path) -> Iterator[str]:
    """Everything the page shows after `headrace`, in blocks and between backticks."""
    text = page.read_text(encoding="utf-8")
    for block in _FENCED.findall(text):
        joined = re.sub(r"\\\n\s*", " ", block)
        for line in joined.splitlines():
            yield from (found.strip() for found in _COMMAND.findall(line.partition(" #")[0]))
    for found in _INLINE.findall(text):
        yield found.removeprefix("headrace ")


def words_of(command: str) -> list[str]:
    """Its words; placeholders such as `<name>`, `[NAME]` or `…` are words like others."""
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def resolved(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words lead to, and what is left of them. KeyError for a word that is no command."""
    command: Any = get_command(app)
    while words and hasattr(command, "list_commands"):
        if not re.fullmatch(r"[a-z][a-z-]*", words[0]):
            break
        found = command_of(command, words[0])
        if found is None:
            raise KeyError(words[0])
        command, words = found, words[1:]
    return command, words


def command_of(group: Any, name: str) -> Any:
    """The whole command: what the top level gives for lists has no options. None for an unknown one."""
    found = group.get_command(None, name)
    return whole_command(name) if found is not None and isinstance(group, LazyCommands) else found


def problem(told_command: str) -> str | None:
    """What is wrong with it, None when nothing is."""
    try:
        command, rest = resolved(words_of(told_command))
    except KeyError as error:
        return f"`headrace {told_command}`: there is no command {error}"
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    options = {word.partition("=")[0].rstrip(",") for word in rest if re.match(r"--?[a-z]", word)}
    unknown = options - known - {"--help"}
    return f"`headrace {told_command}`: no option {', '.join(sorted(unknown))}" if unknown else None


def verbs(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every command that does something, such as `proj status`."""
    if not hasattr(command, "list_commands"):
        yield " ".join(path)
        return
    for name in command.list_commands(None):
        yield from verbs(command_of(command, name), (*path, name))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_the_page_exists(page: Path) -> None:
    assert [found for command in told(page) if (found := problem(command)) is not None] == []


@pytest.mark.parametrize("verb", list(verbs(get_command(app))))
def test_every_verb_is_told_of(verb: str) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    *groups, name = verb.split()
    # `headrace jobs list`, `show`, `retry` … names the others of the group by their last word.
    alone = re.search(rf"`headrace {' '.join(groups)} [^\n]*\n?[^\n]*`{name}\b", text) if groups else None
    assert re.search(rf"headrace {verb}\b", text) or alone, f"`headrace {verb}` is in neither README nor docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_the_page_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8"))
    broken = []
    for target in targets:
        file, _, anchor = target.partition("#")
        found = (page.parent / file) if file else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The anchors of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_wrong_command_would_be_found() -> None:
    assert problem("proj statsu") == "`headrace proj statsu`: there is no command 'statsu'"
    assert problem("proj status --jsno") == "`headrace proj status --jsno`: no option --jsno"
    assert problem("proj status --json") is None


_FILE = re.compile(r"`((?:headrace|ingest|streams|projections|operations|tests|docs|bench)/[\w./-]*)`")
_STEP = re.compile(r"^(\d+)\. ", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = set(_FILE.findall(page.read_text(encoding="utf-8")))
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_a_webhook_is_walked_through_the_house_in_at_most_25_steps() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    walk = text.partition("## A webhook's walk")[2].partition("\n## ")[0]
    steps = [int(number) for number in _STEP.findall(walk)]
    assert steps == list(range(1, len(steps) + 1))
    assert 10 < len(steps) <= 25
    assert len(_FILE.findall(walk)) > len(steps)
