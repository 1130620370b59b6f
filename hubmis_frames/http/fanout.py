"""Many requests at once, answered in the order asked; one that fails does not stop the others."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from ..errors import CacheError, CredentialsError, HubmisError, RateLimitError
from ..request import Request
from .bucket import StoppedError
from .pages import Pages
from .session import THREADS, Session

_HOPELESS_AT_FIRST = 4
_HOPELESS = 8


class Outcome(NamedTuple):
    """What became of one request: its pages, or the error."""

    request: Request
    result: Pages | HubmisError


def gather(session: Session, requests: Sequence[Request], ask: Callable[[Request], Pages]) -> Iterator[Outcome]:
    """Ask for all with a small pool of threads and yield each outcome, in the order asked.

    Raises
    ------
    HubmisError
        An error that every further request would meet too: wrong credentials, a cache that cannot
        be written, a rate limit that does not end, or the same failure again and again.
    """
    if len(requests) == 1:
        yield Outcome(requests[0], ask(requests[0]))
        return
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="hubmis")
    try:
        futures = [pool.submit(ask, request) for request in requests]
        streak: list[HubmisError] = []
        succeeded = False
        for request, future in zip(requests, futures, strict=True):
            result = _result(future)
            yield Outcome(request, result)
            if not isinstance(result, HubmisError):
                streak, succeeded = [], True
                continue
            if streak and type(streak[-1]) is not type(result):
                streak = []
            streak.append(result)
            if len(streak) >= (_HOPELESS if succeeded else _HOPELESS_AT_FIRST):
                raise result
    finally:
        session.interrupt()  # also on Ctrl-C: no thread goes on asking
        pool.shutdown(wait=True, cancel_futures=True)
        session.resume()


def _result(future: Future[Pages]) -> Pages | HubmisError:
    while not wait([future], timeout=0.5).done:  # without a bound, Ctrl-C would not get through on Windows
        pass
    try:
        return future.result()
    except (CacheError, CredentialsError, RateLimitError, StoppedError):
        raise
    except HubmisError as error:
        return error
