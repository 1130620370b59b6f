"""Dask frames: functions of a pandas frame, applied to partitions that each hold one or more schools.

Dask is optional. This module holds only what other modules need to work with its frames.
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
"""The setting with which Dask keeps the types of text and of times of day as in pandas."""


class OfEither(Protocol[P]):
    """A function that takes a pandas or a Dask frame and returns one of the same kind."""

    @overload
    def __call__(self, frame: pd.DataFrame, /, *args: P.args, **kwargs: P.kwargs) -> pd.DataFrame: ...
    @overload
    def __call__(self, frame: "dd.DataFrame", /, *args: P.args, **kwargs: P.kwargs) -> "dd.DataFrame": ...


def need_dask() -> Any:
    """Import ``dask.dataframe``, or raise an error that says how to install it."""
    try:
        import dask.dataframe
    except ImportError as error:
        raise HubmisError(
            'Dask is not installed, or without its frames. Install it: python -m pip install "hubmis-frames[dask]".'
        ) from error
    return dask.dataframe


def is_dask(frame: object) -> "TypeGuard[dd.DataFrame]":
    """Whether this is a Dask frame. Does not import Dask."""
    dask = sys.modules.get("dask.dataframe")
    return dask is not None and isinstance(frame, dask.DataFrame)


def refuse_dask(frame: object, function: str) -> None:
    """Raise an error if a function of a pandas frame gets a Dask frame."""
    if is_dask(frame):
        raise BadArgumentError(
            f"{function} takes a pandas frame, and this is a Dask frame. Choose the rows it needs and compute them: "
            'frame[frame["realm"] == "S123"].compute().'
        )


def local(frame: Any) -> Any:
    """A Dask frame as a pandas frame; anything else as it is."""
    if not is_dask(frame):
        return frame
    return own_text(frame.compute())


def own_text(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with pandas' type of text, which Dask replaces by another."""
    return frame.astype({name: "str" for name, dtype in frame.dtypes.items() if dtype == "string"})


def by_partition(
    *, realms: bool = False
) -> Callable[[Callable[Concatenate[pd.DataFrame, P], pd.DataFrame]], OfEither[P]]:
    """Let a function of a pandas frame take a Dask frame too. It then runs on each partition when that is computed.

    The rows that the function returns for a partition must not depend on other partitions, and for a frame without
    rows it must return the usual columns and types. With ``realms``, all frames or none must have the column ``realm``:
    a partition with one school does not show that there are others.
    """
    return functools.partial(_either, realms=realms)


def _either(function: Callable[..., pd.DataFrame], realms: bool) -> Any:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def either(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        frame, *others = bound.args
        if not is_dask(frame):
            for other in (*others, *bound.kwargs.values()):
                refuse_dask(other, function.__name__)
            return function(*args, **kwargs)
        named = bound.kwargs.items()
        frames = [value for value in bound.args if is_dask(value) or isinstance(value, pd.DataFrame)]
        if realms and len({"realm" in frame for frame in frames}) > 1:
            raise BadArgumentError(
                f"{function.__name__}: one of the frames has no column realm, which tells schools apart."
            )
        meta = function(own_text(frame._meta), *map(_meta, others), **{name: _meta(value) for name, value in named})
        shared = {name: _shared(value) for name, value in named}
        return frame.map_partitions(_of_part, either, *map(_shared, others), **shared, meta=meta)

    return either


def _of_part(part: pd.DataFrame, function: Callable[..., pd.DataFrame], *args: Any, **kwargs: Any) -> pd.DataFrame:
    return function(own_text(part), *args, **kwargs)


def _meta(value: Any) -> Any:
    return own_text(value._meta) if is_dask(value) else value


def _shared(value: object) -> object:
    """A frame as one delayed task, so that each worker gets it once and not with every partition."""
    if not is_dask(value) and not isinstance(value, pd.DataFrame):
        return value
    import dask

    return dask.delayed(local)(value)
