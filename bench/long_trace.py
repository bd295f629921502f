#!/usr/bin/env python3
"""A trace as large as wanted, to time `dendrokv analyze` and the viewer on: numbers by a generator, no model.

    python3 -m venv build/peers && build/peers/bin/pip install numpy h5py
    build/peers/bin/python bench/long_trace.py LONG.h5 [--tokens N] [--layers N]

30 layers of 9 heads and 3 KV heads of 64 channels, the last step recorded, each head's attention falling with distance. The default of 868,352 tokens
has 10.0 GB of values in half precision.
"""

import argparse
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import dendrokv_trace as dt  # noqa: E402

HEADS, KV_HEADS, CHANNELS = 9, 3, 64

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("trace")
parser.add_argument("--tokens", type=int, default=868_352)
parser.add_argument("--layers", type=int, default=30)
arguments = parser.parse_args()


def attention():
    distance = np.arange(arguments.tokens, 0, -1, dtype=np.float64)
    for layer in range(arguments.layers):
        random = np.random.default_rng([1, layer])
        rows = distance ** -random.uniform(0.5, 1.2, (HEADS, 1)) * random.lognormal(0, 1, (HEADS, arguments.tokens))
        yield (rows / rows.sum(1, keepdims=True)).astype(np.float32)[:, None, :]


def values():
    for layer in range(arguments.layers):
        random = np.random.default_rng([2, layer])
        yield random.standard_normal((KV_HEADS, arguments.tokens, CHANNELS), dtype=np.float32)


dt.write_trace(arguments.trace, attention(), values(), np.zeros(arguments.tokens, np.int32), pieces=["x"] * arguments.tokens,
               model={"name": "random numbers", "layers": arguments.layers}, steps=[arguments.tokens - 1])  # fmt: skip
