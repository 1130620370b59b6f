"""Text as one argument of a command line that a person copies: of PowerShell on Windows, of a POSIX shell elsewhere."""

import os
import re
import shlex

_POWERSHELL_QUOTE = re.compile("(['\u2018\u2019\u201a\u201b])")  # each of them ends a text in single quotes there


def argument(text: object, windows: bool = os.name == "nt") -> str:
    """Quote a text so that the shell takes it as it stands, or return a plain one unchanged."""
    if not windows:
        return shlex.quote(str(text))
    if re.fullmatch(r"[\w.:\\/-]+", str(text), re.ASCII):
        return str(text)
    return powershell_text(str(text))


def powershell_text(text: str) -> str:
    """Quote a text for PowerShell. In double quotes it would replace ``$`` and what follows."""
    return "'" + _POWERSHELL_QUOTE.sub(r"\1\1", text) + "'"
