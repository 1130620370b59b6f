"""Completion of a loader's allowed values in IPython and JupyterLab, which complete names alone by themselves."""

import re
import sys
from typing import TYPE_CHECKING

from ..operations.declaration import CATALOGUE

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult

_ARGUMENT = re.compile(r"\bload_(\w+)(?:\.tables)?\((?:[^()]|\([^()]*\))*\b(\w+)\s*=\s*(['\"]?)\w*$")
"""An argument being written, in the last call of a loader that is not closed yet."""


def choices(text: str) -> list[str]:
    """The values that can stand where the text ends, quoted unless a quote is open."""
    found = _ARGUMENT.search(text)
    if not found or found[1] not in CATALOGUE:
        return []
    allowed = {parameter.name: parameter.choices for parameter in CATALOGUE[found[1]].parameters}
    return [value if found[3] else f'"{value}"' for value in allowed.get(found[2], ())]


def register() -> None:
    """Add it to the running IPython, where there is one."""
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
