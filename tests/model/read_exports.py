"""Opens exported files as a user of numpy and pandas would, and tells as JSON what they hold."""

import json
import struct
import sys
from pathlib import Path

import numpy
import pandas

TYPES = {"I32": numpy.int32, "F32": numpy.float32}


def tensors(path):
    """A safetensors file's tensors: a length, a header of JSON, and the data."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        array = numpy.frombuffer(data[8 + length + start : 8 + length + end], TYPES[entry["dtype"]])
        yield name, array.reshape(entry["shape"])


def told_of_table(path):
    frame = pandas.read_parquet(path)
    told = {"rows": len(frame), "types": {name: str(kind) for name, kind in frame.dtypes.items()}}
    told["sums"] = {name: float(frame[name].sum()) for name in frame if frame[name].dtype.kind in "if"}
    told["words"] = {name: sorted(set(frame[name])) for name in frame if frame[name].dtype.kind not in "if"}
    if "weight" in frame:
        sums = frame.groupby(["query", "layer", "head", "when"])["weight"].sum()
        told["rows_of_weights"] = [len(sums), float(sums.min()), float(sums.max())]
    return told


def main(folder):
    found = {}
    for path in sorted(Path(folder).iterdir()):
        if path.suffix == ".parquet":
            found[path.stem] = told_of_table(path)
        else:
            found[path.stem] = {
                name: {"shape": list(array.shape), "sum": float(numpy.nansum(array, dtype=numpy.float64))}
                for name, array in tensors(path)
            }
    print(json.dumps(found))


main(sys.argv[1])
