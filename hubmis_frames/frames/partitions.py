"""Dask frames: the functions for one pandas frame, over partitions that each hold one school or several.

Dask is optional and is the engine; here is only what the rest needs to meet it.
"""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeGuard, Union, overload

import pandas as pd

from ..errors import BadArgumentError, HubmisError

if TYPE_CHECKING:
    import dask.dataframe as dd

P = ParamSpec("P")
Frame: TypeAlias = Union[pd.DataFrame, "dd.DataFrame"]

NOT_TEXT = {"dataframe.convert-string": False}
"""Dask's setting that leaves text, and times of day, of the types that they have in pandas."""


class OfEither(Protocol[P]):
    """A function of a frame that gives a frame of the same kind."""

    @overload
    def __call__(self, frame: pd.DataFrame, /, *args: P.args, **kwargs: P.kwargs) -> pd.DataFrame: ...
    @overload
    def __call__(self, frame: "dd.DataFrame", /, *args: P.args, **kwargs: P.kwargs) -> "dd.DataFrame": ...


def need_dask() -> Any:
    """Import ``dask.dataframe``, or say how it is installed."""
    try:
        import dask.dataframe
    except ImportError as error:
        raise HubmisError(
            'Dask is not installed, or without its frames. Install it: python -m pip install "hubmis-frames[dask]".'
        ) from error
    return dask.dataframe


def is_dask(frame: object) -> "TypeGuard[dd.DataFrame]":
    """Whether this is a Dask frame, without an import of Dask where nobody uses it."""
    dask = sys.modules.get("dask.dataframe")
    return dask is not None and isinstance(frame, dask.DataFrame)


def refuse_dask(frame: object, what: str) -> None:
    """Raise where a function of one pandas frame gets a Dask frame."""
    if is_dask(frame):
        raise BadArgumentError(
            f"{what} takes a pandas frame, and this is a Dask frame. Choose what it needs and compute that: "
            'frame[frame["realm"] == "S123"].compute().'
        )


def local(frame: Any) -> Any:
    """The same frame in pandas; what is no Dask frame stays what it is."""
    if not is_dask(frame):
        return frame
    return own_text(frame.compute())


def own_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Text as pandas has it: Dask makes another type of it on the way in."""
    return frame.astype({name: "str" for name, dtype in frame.dtypes.items() if dtype == "string"})


def by_partition(
    *, realms: bool = False
) -> Callable[[Callable[Concatenate[pd.DataFrame, P], pd.DataFrame]], OfEither[P]]:
    """Let a function of a pandas frame take a Dask frame too: it then runs in each partition, when that is computed.

    The function must give rows of one partition that do not depend on those of another, and of a frame without rows
    the columns and types that it always gives. With ``realms`` all frames must say of which school they are, or none:
    a partition of one school alone cannot see that there are others.
    """
    return functools.partial(_either, realms=realms)


def _either(function: Callable[..., pd.DataFrame], realms: bool) -> Any:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def either(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        frame, *others = given.args
        if not is_dask(frame):
            for other in (*others, *given.kwargs.values()):
                refuse_dask(other, function.__name__)
            return function(*args, **kwargs)
        named = given.kwargs.items()
        frames = [each for each in given.args if is_dask(each) or isinstance(each, pd.DataFrame)]
        if realms and len({"realm" in each for each in frames}) > 1:
            raise BadArgumentError(f"{function.__name__}: one of the frames has no realm, to tell schools apart by.")
        meta = function(own_text(frame._meta), *map(_meta, others), **{name: _meta(each) for name, each in named})
        shared = {name: _shared(each) for name, each in named}
        return frame.map_partitions(_of_part, either, *map(_shared, others), **shared, meta=meta)

    return either


def _of_part(part: pd.DataFrame, function: Callable[..., pd.DataFrame], *args: Any, **kwargs: Any) -> pd.DataFrame:
    return function(own_text(part), *args, **kwargs)


def _meta(value: Any) -> Any:
    return own_text(value._meta) if is_dask(value) else value


def _shared(value: object) -> object:
    """A frame as one delayed task, so that each worker gets it once and not with each partition."""
    if not is_dask(value) and not isinstance(value, pd.DataFrame):
        return value
    import dask

    return dask.delayed(local)(value)
