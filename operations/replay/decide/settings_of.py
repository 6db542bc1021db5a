"""Which settings of a workspace a replay goes by: read by the command line, so nothing that decides is imported."""

from typing import Literal

#: Whose settings of the workspace count: those of the moment, or those of today.
SettingsOf = Literal["then", "now"]
