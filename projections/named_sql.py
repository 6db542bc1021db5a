"""SQL of more than a few lines stands in a file beside its module, each statement with a name and a comment.

    -- name: expire
    -- Move over offsets that the broker no longer has.
    UPDATE ...

`{name}` in a statement stands for what is no value: a schema, a table, columns. It comes from our own declarations;
values go through parameters alone. `{part.other}` is the text of another statement of the file, and `{live.x}` says
that the row `x` of a control table is about a live version.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from projections.versions import is_live

_NAME = re.compile(r"^-- name: (\w+)\n((?:--.*\n)+)", re.MULTILINE)
_PART = re.compile(r"\{part\.(\w+)\}")
_LIVE = re.compile(r"\{live\.(\w+)\}")


class NamedSql:
    """The statements of one file."""

    def __init__(self, module: str) -> None:
        """`module` is the `__file__` of the module beside which the file stands, with its name."""
        path = Path(module).with_suffix(".sql")
        _, *parts = _NAME.split(path.read_text(encoding="utf-8"))
        texts = dict(zip(parts[::3], map(str.strip, parts[2::3]), strict=True))
        self._statements = {name: _whole(text, texts) for name, text in texts.items()}

    def __getitem__(self, name: str) -> bytes:
        """A statement without gaps, as psycopg takes it. Raises KeyError."""
        return self._statements[name].encode()

    def filled(self, name: str, **parts: str) -> bytes:
        """A statement with its gaps filled. Raises KeyError for a statement or a part that is missing."""
        return self._statements[name].format_map(parts).encode()


def _whole(text: str, texts: Mapping[str, str]) -> str:
    whole = _PART.sub(lambda part: _whole(texts[part[1]], texts), text)
    return _LIVE.sub(lambda row: is_live(row[1]), whole)
