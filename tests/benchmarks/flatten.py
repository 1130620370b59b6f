"""From bytes to pandas frames with child tables: this package, similar ones, and decoding alone."""

import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pyarrow as pa

from hubmis_frames.export.folder import ExportFolder
from hubmis_frames.export.write import TableWriter, put_in_place
from hubmis_frames.frames import Findings, flatten, tidy, to_pandas
from hubmis_frames.frames.coercion import on_wire

from . import data
from .data import Data
from .timing import in_turn, machine, markdown

Frames = dict[str, pd.DataFrame]


def ours(data: Data) -> Frames:
    """Every table of the operation, typed."""
    return {name: to_pandas(table) for name, table in tidy(data.endpoint, data.answers, Findings()).items()}


def ours_to_parquet(data: Data) -> dict[str, range]:
    """Write every table batch by batch, as an export does, and check the number of rows."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        writers: dict[str, TableWriter] = {}
        for batch in flatten(data.endpoint, data.answers, Findings()):
            for name, table in batch.tables.items():
                if name not in writers:
                    writers[name] = stack.enter_context(TableWriter(ExportFolder(Path(folder), "S999"), name))
                writers[name].add(table)
        for writer in writers.values():
            writer.finish()
        put_in_place(writers.values(), None)
        return {name: range(writer.rows) for name, writer in writers.items()}


def json_normalize(data: Data) -> Frames:
    """One call for the records and one for each list in them. Untyped: dates stay text, other columns are objects."""
    records = [{**asked, **record} for asked, body in _asked(data) for record in json.loads(body)]
    table, lists = data.endpoint.table, _lists(data)
    frames = {table: pd.json_normalize(records, sep="_").drop(columns=lists)}
    for name in lists:
        frames[f"{table}_{name}"] = pd.json_normalize(records, name, ["id"], meta_prefix="parent_", sep="_")
    return frames


def polars(data: Data) -> Frames:
    """Read each body with the schema, explode lists, unnest structs, cast dates and instants."""
    import polars as pl

    read = on_wire(data.endpoint.record)
    schema = dict(pl.from_arrow(pa.schema(list(read)).empty_table()).schema)
    parts = [
        pl.read_json(body, schema=schema).with_columns(**{name: pl.lit(value) for name, value in asked.items()})
        for asked, body in _asked(data)
    ]
    rows, table = pl.concat(parts), data.endpoint.table
    dated = [pl.col(f.name).str.to_date() for f in data.endpoint.record if pa.types.is_date(f.type)]
    instants = [
        pl.col(f.name).str.to_datetime(time_zone="UTC") for f in data.endpoint.record if pa.types.is_timestamp(f.type)
    ]
    lists = _lists(data)
    frames = {table: _unnested(rows.drop(lists).with_columns(dated + instants))}
    for name in lists:
        items = rows.select(pl.col("id").alias("parent_id"), name).filter(pl.col(name).list.len() > 0).explode(name)
        frames[f"{table}_{name}"] = _unnested(items.select("parent_id", pl.col(name).struct.unnest()))
    return {name: frame.to_pandas() for name, frame in frames.items()}


def _unnested(frame: Any) -> Any:
    import polars as pl

    structs = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Struct)]
    return frame.unnest(structs, separator="_")


def duckdb(data: Data) -> Frames:
    """Transform all bodies in one query with their explicit type; unnest structs and lists."""
    import duckdb as db

    table, lists = data.endpoint.table, _lists(data)
    asked, bodies = zip(*_asked(data), strict=True)
    given = pa.table({"body": pa.array(bodies, pa.string()), **{name: [a[name] for a in asked] for name in asked[0]}})
    with db.connect() as connection:
        connection.register("given", given)
        ids = "".join(f"{name}, " for name in asked[0])
        structure = json.dumps([_duckdb_structure(data.endpoint.record)])
        connection.execute(
            f"CREATE TEMP TABLE r AS SELECT {ids} unnest(from_json(body, '{structure}'), max_depth := 2) FROM given"
        )
        columns = ", ".join([*asked[0], *_duckdb_columns(data.endpoint.record)])
        frames = {table: connection.sql(f"SELECT {columns} FROM r").df()}
        for name in lists:
            frames[f"{table}_{name}"] = connection.sql(
                f"SELECT id AS parent_id, unnest({name}, max_depth := 2) FROM r"
            ).df()
    return frames


def _duckdb_structure(type_: pa.DataType) -> Any:
    if pa.types.is_struct(type_):
        return {field.name: _duckdb_structure(field.type) for field in type_}
    if pa.types.is_list(type_):
        return [_duckdb_structure(type_.value_type)]
    names = {pa.int64(): "BIGINT", pa.bool_(): "BOOLEAN", pa.string(): "VARCHAR", pa.date32(): "DATE"}
    return names.get(type_, "TIMESTAMPTZ")


def _duckdb_columns(record: pa.StructType) -> list[str]:
    columns = []
    for field in record:
        if pa.types.is_struct(field.type):
            columns += [f"{field.name}.{inner.name} AS {field.name}_{inner.name}" for inner in field.type]
        elif not pa.types.is_list(field.type):
            columns.append(field.name)
    return columns


def dlt(data: Data) -> Frames:
    """Extract and normalise to Parquet with its pipeline, without loading into a database."""
    import dlt as tool

    def records() -> Iterator[list[Any]]:
        for asked, body in _asked(data):
            yield [{**asked, **record} for record in orjson.loads(body)]

    with tempfile.TemporaryDirectory() as folder:
        pipeline = tool.pipeline("benchmark", pipelines_dir=folder, destination="duckdb")
        pipeline.extract(tool.resource(records, name=data.endpoint.table, file_format="parquet"))
        pipeline.normalize()
        parts: dict[str, list[pd.DataFrame]] = {}
        for file in sorted(Path(folder).rglob("normalized/**/*.parquet")):
            parts.setdefault(file.name.partition(".")[0].replace("__", "_"), []).append(pd.read_parquet(file))
        return {name: pd.concat(each) for name, each in parts.items() if not name.startswith("_dlt")}


def decode(loads: Callable[[bytes], object]) -> Callable[[Data], None]:
    """A lower bound: decode every body to Python objects and drop them; make no frame."""

    def run(data: Data) -> None:
        for _, body in _asked(data):
            loads(body)

    return run


def _asked(data: Data) -> list[tuple[dict[str, int | str], bytes]]:
    names = [parameter.name for parameter in data.endpoint.path_ids]
    return [(dict(zip(names, ids, strict=True)), body) for ids, bodies in data.answers for body in bodies]


def _lists(data: Data) -> list[str]:
    return [field.name for field in data.endpoint.record if pa.types.is_list(field.type)]


CONTENDERS: dict[str, Callable[[Data], object]] = {
    "hubmis_frames": ours,
    "hubmis_frames, to Parquet": ours_to_parquet,
    "json.loads": decode(json.loads),
    "orjson.loads": decode(orjson.loads),
    "polars": polars,
    "DuckDB": duckdb,
    "pandas.json_normalize": json_normalize,
    "dlt": dlt,
}
SETS = {"students": data.students, "marks": data.marks}
PACKAGES = ("hubmis-frames", "pandas", "pyarrow", "orjson", "polars", "duckdb", "dlt")


def report(rounds: int) -> str:
    """Seconds of each package on both sets, the ratio to ours, and the memory that ours needs."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    measured, sizes = {}, {}
    for name, make in SETS.items():
        made = make()
        agree(made)
        runs = {who: functools.partial(run, made) for who, run in CONTENDERS.items()}
        measured[name] = in_turn(runs, rounds)
        sizes[name] = f"{made.megabytes:.0f} MB of {name}"
        del made, runs
    rows = []
    for who in CONTENDERS:
        row = [who]
        for taken in measured.values():
            best, own = taken[who], taken["hubmis_frames"]
            row += [f"{best.clock:.2f}", f"{best.clock / own.clock:.1f}"]
            row += [f"{best.processor:.2f}", f"{best.processor / own.processor:.1f}"]
        rows.append(row)
    head = ["bytes to frames"]
    for size in sizes.values():
        head += [f"{size}, s", "ours = 1", "s of processor", "ours = 1"]
    memory = " ".join(_memory(name, sizes[name]) for name in SETS)
    return f"{markdown(head, rows)}\n\n{memory}\n\n{machine(*PACKAGES)} Fastest of {rounds} rounds in turn."


def _memory(name: str, size: str) -> str:
    frames, parquet = peak_memory(name, "ours"), peak_memory(name, "ours_to_parquet")
    return (
        f"Peak memory above the input, {size}: {frames:.0f} MB with the frames, {parquet:.0f} MB to Parquet, "
        f"{peak_memory(name, 'ours_to_parquet', 4):.0f} MB to Parquet with four times as many answers."
    )


def agree(data: Data) -> None:
    """Stop unless every package makes the same number of rows of every table."""
    counts = {
        who: {name: len(frame) for name, frame in run(data).items()}
        for who, run in CONTENDERS.items()
        if "loads" not in who
    }
    if any(count != counts["hubmis_frames"] for count in counts.values()):
        raise SystemExit(f"The contenders disagree: {counts}")


def peak_memory(name: str, run: str, times: int = 1) -> float:
    """The peak in megabytes above the input, in a process of its own."""
    code = (
        "import resource, sys; from tests.benchmarks import data, flatten;"
        f"flatten.{run}(data.{name}(2, 2)); made = data.{name}();"
        f"made = made._replace(answers=made.answers * {times});"
        "before = int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize();"
        "open('/proc/self/clear_refs', 'w').write('5');"
        f"frames = flatten.{run}(made);"
        "peak = [int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmHWM')][0] * 1024;"
        "print((peak - before) / 1e6)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)
