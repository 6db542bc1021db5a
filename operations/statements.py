"""SQL out of files: each statement in a file of its own, named for what it asks, in the folder `sql` of who asks it.

In a file `{proj}.leads` is the table in its live version (see `projections.versions.bind`), `{live.x}` says that the
row `x` of a control table is about a live version, and `{file.y}` is the text of the file `y.sql` beside it.
"""

import re
from functools import cache
from importlib.resources import files

from projections.versions import is_live

_LIVE = re.compile(r"\{live\.(\w+)\}")
_FILE = re.compile(r"\{file\.(\w+)\}")


@cache
def statement(package: str, name: str) -> bytes:
    """The statement of a package, complete but for its tables' schemas. Raises FileNotFoundError."""
    return _text(package, name).encode()


def _text(package: str, name: str) -> str:
    text = files(package).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    text = _LIVE.sub(lambda found: is_live(found[1]), text)
    return _FILE.sub(lambda found: _text(package, found[1]), text)
