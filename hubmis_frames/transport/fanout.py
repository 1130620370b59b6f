"""Many requests at once, answered in the order asked; one that fails does not stop the others."""

import math
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import NamedTuple

from ..errors import CacheError, CredentialsError, HubmisError, NotFoundError, RateLimitError
from ..request import Request
from .pagination import Pages
from .rate_limit import WORKER, StoppedError
from .session import THREADS

_AHEAD = 2 * THREADS


class Outcome(NamedTuple):
    """What became of one request: its pages, or the error."""

    request: Request
    result: Pages | HubmisError


def gather(requests: Sequence[Request], ask: Callable[[Request], Pages]) -> Generator[Outcome, None, None]:
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
    stop = threading.Event()

    def enlist() -> None:
        WORKER.stop = stop

    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="hubmis", initializer=enlist)
    try:
        coming = iter(requests)
        under_way = deque((request, pool.submit(ask, request)) for request in islice(coming, _AHEAD))
        streak: list[HubmisError] = []
        succeeded = False
        while under_way:
            request, future = under_way.popleft()
            result = _result(future)
            # Not further ahead than this, so that hopeless work is soon given up and few answers wait in memory.
            under_way.extend((each, pool.submit(ask, each)) for each in islice(coming, 1))
            yield Outcome(request, result)
            if not isinstance(result, HubmisError):
                streak, succeeded = [], True
                continue
            if streak and type(streak[-1]) is not type(result):
                streak = []
            streak.append(result)
            if len(streak) >= _hopeless(result, succeeded):
                raise result
    finally:
        stop.set()  # also on Ctrl-C: no thread goes on asking
        pool.shutdown(wait=True, cancel_futures=True)


def _hopeless(error: HubmisError, succeeded: bool) -> float:
    """After how many failures of one kind in a row the others would be a waste of requests."""
    if isinstance(error, NotFoundError):  # some have none: only those who left have a destination
        return math.inf if succeeded else 25
    return 8 if succeeded else 4


def _result(future: Future[Pages]) -> Pages | HubmisError:
    while not wait([future], timeout=0.5).done:  # without a bound, Ctrl-C would not get through on Windows
        pass
    try:
        return future.result()
    except (CacheError, CredentialsError, RateLimitError, StoppedError):
        raise
    except HubmisError as error:
        return error
