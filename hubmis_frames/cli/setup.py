"""The commands ``login``, ``doctor`` and ``spec``: they print what other modules find out, and decide nothing."""

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..display.streams import is_terminal
from ..errors import BadArgumentError, HubmisError, NoKeyringError, SettingsError
from ..files import whole_file
from ..operations import CATALOGUE
from ..setup.doctor import examine
from ..setup.keyring import forget_login
from ..setup.login import QUICK_RETRY, in_environment, shadowed, store, try_out
from ..setup.settings import Secret, open_session, settings
from .console import COMPLETE, FAILED, PARTLY, print_json, print_table, progress_line, rows_of

if TYPE_CHECKING:
    from ..openapi import Spec

SHOWN = 10
"""How many lines of a kind ``spec check`` prints without ``--verbose``."""
_MARKS = {"ok": "ok", "note": "note", "wrong": "WRONG", "skipped": "-"}


def login(options: argparse.Namespace) -> int:
    """Ask for the credentials, try them, store them."""
    if options.forget:
        print("Removed the login from the keyring." if forget_login() else "No login was stored.")
        return COMPLETE
    if not is_terminal(sys.stdin):
        raise SettingsError(
            "login asks for the secret, so it needs a terminal: run it in PowerShell, Terminal or a terminal of "
            "JupyterLab. A script without one takes its credentials from the environment."
        )
    try:
        return _login(options)
    except EOFError:
        raise SettingsError("Nothing was typed, and nothing was stored.") from None


def _login(options: argparse.Namespace) -> int:
    print("As WCBS sent them on registration. What you type for the secret is not shown; paste it and press Enter.")
    realm = options.realm or _ask("Realm")
    client_id = _ask("Client id")
    secret = Secret(_ask("Client secret", getpass.getpass))
    found = settings(realm, client_id, secret, options.base_url, None, None)
    print(f"Trying them at {found.base_url} ...")
    session = open_session(found, retry=QUICK_RETRY)
    try:
        problem = try_out(session, found.realm)
    except HubmisError:
        print("Nothing was stored.")
        raise
    finally:
        session.close()
    if problem is None:
        print("HUBmis answered.")
    else:
        print(problem)
        if input("Store them all the same? [y/N] ").strip().lower() not in ("y", "yes"):
            print("Nothing was stored.")
            return FAILED
    try:
        print(f"Stored in the system's keyring ({store(found)}). 'hubmis-frames login --forget' removes them.")
    except NoKeyringError as error:
        print(f"{error} So nothing was stored. Set them in the environment instead:\n")
        print(in_environment(found))
        return FAILED
    if first := shadowed():
        print(f"Note: {', '.join(first)} in the environment take precedence over it.")
    print("Next: hubmis-frames doctor")
    return COMPLETE


def _ask(prompt: str, read: Callable[[str], str] = input) -> str:
    """Ask until there is an answer without control characters."""
    while True:
        text = read(f"{prompt}: ").strip(" \t\r\n")
        if text and text.isprintable():
            return text
        if text:  # an old console of Windows takes Ctrl+V for a character, and pastes nothing
            print(
                "That held a control character. In some windows Ctrl+V types one and pastes nothing: paste with the "
                "right mouse button or the window's menu instead."
            )


def doctor(options: argparse.Namespace) -> int:
    """Print the result of every check, and what to do."""
    advice = []
    for check in examine(options.realm, options.base_url, options.openapi, options.cache_dir):
        print(f"{_MARKS[check.state]:6}{check.name}: {check.result}", flush=True)
        if check.advice and check.advice not in advice:
            advice.append(check.advice)
    print()
    if not advice:
        print("All is well. Next: hubmis-frames plan")
        return COMPLETE
    print("What to do:")
    for number, sentence in enumerate(advice, 1):
        print(f"  {number}. {sentence}")
    print("\nThis holds no secret and nothing about a child. You can send it to support as it is.")
    return FAILED


def spec_probe(options: argparse.Namespace) -> int:
    """Find out which operations answer, and write the shapes of what came."""
    from ..setup.probe import probe  # it takes libraries that nothing else needs

    found = settings(options.realm, None, None, options.base_url, None, options.openapi)
    print(f"At most {options.budget} requests to {found.base_url}, one for each operation.", file=sys.stderr)
    with progress_line() as show:
        result = probe(found, options.file, options.budget, show)
    print_table(result.table(), options.json)
    print(
        f"\n{result.summary()}\n{result.sent} requests sent. Written to {options.file}: names and types, no values, no "
        "realm. Read it through, then share it with whoever maintains hubmis_frames, so that inferred paths can be "
        f"corrected.{'' if found.openapi else ' And ask WCBS for the OpenAPI file, which has them all.'} "
        f"'hubmis-frames spec draft --probe {options.file}' makes an OpenAPI file of it that you can correct and use.",
        file=sys.stderr,
    )
    return COMPLETE if not result.cut_short else PARTLY


def spec_draft(options: argparse.Namespace) -> int:
    """Write an OpenAPI file to correct by hand."""
    from ..setup.draft import draft  # it takes libraries that nothing else needs

    if options.file.exists():
        raise BadArgumentError(f"{options.file} is there already, perhaps with your corrections. Name another file.")
    result = draft(options.probe)
    _write_openapi(result.content, options.file)
    print(f"{len(result.recorded)} of {len(CATALOGUE)} operations answered and are in it.", file=sys.stderr)
    _print_some("has nothing in common with what we declare", result.otherwise, SHOWN, sys.stderr)
    _print_some("left out", [f"{table} ({why})" for table, why in result.left_out.items()], SHOWN, sys.stderr)
    print(
        f"\nNext: open {options.file} in an editor. Correct what you know better: add operations that are left out, "
        "with their paths, and types of fields that were empty. Then run 'hubmis-frames spec check "
        f"{options.file}', which says whether it can be used. Loaders of operations that are not in the file raise an "
        "error as long as it is used.",
        file=sys.stderr,
    )
    return COMPLETE


def _write_openapi(document: Mapping[str, object], file: Path) -> None:
    if str(file) == "-":
        print_json(document)
        return
    with whole_file(file.absolute()) as part:
        part.write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    print(f"Written to {file}.", file=sys.stderr)


def spec_export(options: argparse.Namespace) -> int:
    """Write our declarations as OpenAPI."""
    from ..openapi import as_openapi  # it takes libraries that nothing else needs

    _write_openapi(as_openapi(CATALOGUE.values()), options.file)
    print("What is inferred is marked x-inferred.", file=sys.stderr)
    return COMPLETE


def spec_check(options: argparse.Namespace) -> int:
    """Compare the vendor's file with our declarations, and print what a person does next."""
    from ..openapi import compare, count_differences, read_spec

    spec = read_spec(options.file)
    differences = compare(spec)
    status = FAILED if spec.missing or spec.unusable else COMPLETE
    if options.json:
        lists = {"matched": list(spec.endpoints), "missing": list(spec.missing), "unusable": dict(spec.unusable)}
        flaws = [{"where": flaw.where, "reason": flaw.reason} for flaw in spec.flaws]
        print_json({**lists, "only_in_file": list(spec.others), "flaws": flaws, "differences": rows_of(differences)})
        return status
    limit = None if options.details else SHOWN
    print(f"{len(spec.endpoints)} of {len(CATALOGUE)} operations matched.")
    _print_some("not in the file", [CATALOGUE[table].title for table in spec.missing], limit)
    _print_some("only in the file", [endpoint.title for endpoint in spec.others.values()], limit)
    unusable = [f"{CATALOGUE[table].title}: {reason}" for table, reason in spec.unusable.items()]
    _print_some("cannot be asked", unusable, limit)
    unfollowed = [endpoint.title for endpoint in spec.endpoints.values() if not endpoint.can_be_followed]
    _print_some("paged in a way that cannot be followed", unfollowed, limit)
    _print_some("not read", [f"{flaw.where}: {flaw.reason}" for flaw in spec.flaws], limit)
    if len(differences):
        print("\nWhere the file and the declarations differ, by operation:")
        print_table(differences if options.details else count_differences(differences))
    print(f"\n{_next_step(spec, options)}")
    return status


def _print_some(what: str, lines: Sequence[str], limit: int | None, stream: TextIO | None = None) -> None:
    """Print lines of one kind, and how many more there are."""
    for line in lines[:limit]:
        print(f"  {what}: {line}", file=stream)
    if limit is not None and len(lines) > limit:
        print(f"  {what}: {len(lines) - limit} more", file=stream)


def _next_step(spec: "Spec", options: argparse.Namespace) -> str:
    steps = [] if options.details else ["--verbose lists everything."]
    if spec.flaws or spec.unusable:
        steps.append(
            "Send what could not be read to WCBS, and ask for a corrected file; everything else works meanwhile."
        )
    if spec.missing:
        steps.append("Loaders of operations that are not in the file raise an error before anything is sent.")
    steps.append(f"To use the file, set HUBMIS_OPENAPI to {options.file}, then run 'hubmis-frames doctor'.")
    return f"Next: {' '.join(steps)}"
