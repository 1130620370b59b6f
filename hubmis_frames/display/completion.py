"""Completion of the values that a loader's argument allows, in IPython and JupyterLab, which only complete names."""

import re
import sys
from typing import TYPE_CHECKING

from ..operations.declaration import CATALOGUE

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult

_ARGUMENT = re.compile(r"\bload_(\w+)(?:\.tables)?\((?:[^()]|\([^()]*\))*\b(\w+)\s*=\s*(['\"]?)\w*$")
"""An unfinished argument in the last open call of a loader."""


_TABLE = re.compile(
    r"(?:\.read\((?:[^()\[]|\([^()]*\))*,|\.export\((?:[^()\[]|\([^()]*\))*,|\.(?:plan|fetch)\()"
    r"\s*(?:tables\s*=\s*)?(?:\[[^\]()]*)?(['\"])\w*$"
)
"""The unfinished name of a table, alone or in a list, in a call that takes tables."""


def choices(text: str) -> list[str]:
    """The values that may follow the text, in quotes unless a quote is open."""
    if _TABLE.search(text):
        return [*({} if ".read(" in text else {"core": 0, "all": 0}), *CATALOGUE]
    argument = _ARGUMENT.search(text)
    if not argument or argument[1] not in CATALOGUE:
        return []
    allowed = {parameter.name: parameter.choices for parameter in CATALOGUE[argument[1]].parameters}
    return [value if argument[3] else f'"{value}"' for value in allowed.get(argument[2], ())]


def register() -> None:
    """Add the completion to IPython, if it is running."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or shell.Completer is None:
        return
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher()  # type: ignore[untyped-decorator]
    def hubmis_choices(context: "CompletionContext") -> "SimpleMatcherResult":
        above = context.full_text.split("\n")[: context.cursor_line]
        values = choices("\n".join([*above, context.text_until_cursor]))
        fitting = [value for value in values if value.strip('"').startswith(context.token.strip("'\""))]
        return {"completions": [SimpleCompletion(value, type="value") for value in fitting], "suppress": bool(values)}

    shell.Completer.custom_matchers.append(hubmis_choices)
