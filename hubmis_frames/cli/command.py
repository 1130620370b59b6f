"""The command ``hubmis-frames``: reads its arguments, runs what was chosen, and returns an exit status."""

import argparse
import contextlib
import errno
import logging
import os
import sys
import warnings
from collections.abc import Sequence

from ..display.streams import replace_missing_streams
from ..errors import HubmisError, HubmisWarning
from ..files import why
from .arguments import build_parser
from .console import COMPLETE, FAILED, in_command_words


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    replace_missing_streams()
    if hasattr(sys.stdout, "reconfigure"):  # a redirected Windows console cannot show every name
        sys.stdout.reconfigure(errors="replace")
    options = _parsed(list(sys.argv[1:] if arguments is None else arguments))
    warnings.simplefilter("always", HubmisWarning)
    warnings.showwarning = lambda said, *_, **__: print(f"note: {in_command_words(str(said))}", file=sys.stderr)
    if options.verbose:
        _log_to_screen()
    try:
        from .actions import ACTIONS  # help and wrong usage do not wait for pandas

        status = ACTIONS[options.command](options)
        sys.stdout.flush()
    except HubmisError as error:
        print(f"hubmis-frames: {in_command_words(str(error))}", file=sys.stderr)
        return FAILED
    except OSError as error:
        if _is_reader_gone(error):
            return COMPLETE
        print(
            f"hubmis-frames: {error.filename or 'A file'} cannot be used: {why(error)}. Make it writable, "
            "free some disk space, or choose another place.",
            file=sys.stderr,
        )
        return FAILED
    except KeyboardInterrupt:
        print(
            "\nhubmis-frames: interrupted. What was fetched is kept. Run the same command to go on from there.",
            file=sys.stderr,
        )
        return 130
    return status


def _parsed(arguments: list[str]) -> argparse.Namespace:
    """The options, and for ``lab`` those of JupyterLab after ``--``, which argparse would take for ours."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    if "lab" not in arguments[:end]:
        return build_parser().parse_args(arguments)
    options = build_parser().parse_args(arguments[:end])
    options.options = arguments[end + 1 :]
    return options


def _is_reader_gone(error: OSError) -> bool:
    """Whether the reader of our output stopped reading, as in ``| head``. What is left of the output is dropped."""
    # Windows says EINVAL. Files that cannot be used say so too, so output has to fail again.
    if error.errno not in (errno.EPIPE, errno.EINVAL) or error.filename is not None:
        return False
    try:
        print(flush=True)  # a flush alone does nothing if the first error took all that was waiting
    except OSError:
        with contextlib.suppress(OSError):  # a stream without a number
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return isinstance(error, BrokenPipeError)


def _log_to_screen() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("hubmis_frames")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


if __name__ == "__main__":
    sys.exit(main())
