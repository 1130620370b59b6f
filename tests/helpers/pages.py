"""The code on pages for people, run as it stands."""

import ast
import re
from pathlib import Path
from typing import Any

_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[str]:
    """The blocks of Python on a page, in order."""
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def run(code: str, names: dict[str, Any]) -> Any:
    """Run a block, and return the value of its last line if that is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<page>", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "<page>", "eval"), names)
