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
from .list_reading import Pages
from .rate_limit import WORKER, StoppedError
from .session import THREADS

_AHEAD = 2 * THREADS


class Outcome(NamedTuple):
    """One request and its result: its pages, or the error."""

    request: Request
    result: Pages | HubmisError


def gather(requests: Sequence[Request], ask: Callable[[Request], Pages]) -> Generator[Outcome, None, None]:
    """Send all requests from a small pool of threads and yield each outcome, in the order of the requests.

    Raises
    ------
    HubmisError
        Every further request would fail too: wrong credentials, a cache that cannot be written, a rate
        limit that does not end, or the same failure again and again.
    """
    if len(requests) == 1:
        yield Outcome(requests[0], ask(requests[0]))
        return
    stop = threading.Event()

    def let_stop() -> None:
        WORKER.stop = stop

    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="hubmis", initializer=let_stop)
    try:
        waiting = iter(requests)
        under_way = deque((request, pool.submit(ask, request)) for request in islice(waiting, _AHEAD))
        failures: list[HubmisError] = []  # in a row and of one type
        succeeded = False
        while under_way:
            request, future = under_way.popleft()
            result = _result(future)
            # Not further ahead than this, so that few answers wait in memory and few requests are wasted.
            under_way.extend((following, pool.submit(ask, following)) for following in islice(waiting, 1))
            yield Outcome(request, result)
            if not isinstance(result, HubmisError):
                failures, succeeded = [], True
                continue
            if failures and type(failures[-1]) is not type(result):
                failures = []
            failures.append(result)
            if len(failures) >= _most_failures(result, succeeded):
                raise result
    finally:
        stop.set()  # also on Ctrl-C: no thread sends anything more
        pool.shutdown(wait=True, cancel_futures=True)


def _most_failures(error: HubmisError, succeeded: bool) -> float:
    """How many failures of one type in a row show that the other requests would fail too."""
    if isinstance(error, NotFoundError):  # for many students there is none: only leavers have a destination
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
