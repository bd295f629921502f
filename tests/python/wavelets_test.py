"""The Python examples of docs/wavelets.md, run as they stand with the variables that they take for granted.

wavelets_test.py PAGE LIBRARY
"""

import os
import pathlib
import re
import sys

page, library = sys.argv[1:]
os.environ["DENDROKV_ANALYSIS_LIBRARY"] = library
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))

import numpy as np  # noqa: E402

random = np.random.default_rng(3)
blocks = re.findall(r"^```python\n(.*?)^```", pathlib.Path(page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
assert blocks, f"{page}: no example in Python"
positions, heads, channels = 300, 4, 8
given = {
    "x": random.standard_normal(positions),
    "y": random.standard_normal(positions),
    "scales": 2 * 2 ** (np.arange(16) / 4),
    "weights": np.abs(random.standard_normal((heads, 64))).astype(np.float32),
    "values": random.standard_normal((heads, 64, channels)).astype(np.float32),
}
shown = dict(given)
for block in blocks:  # in order, so that a later one may use what an earlier one made
    exec(compile(block, page, "exec"), shown)  # noqa: S102

dw, x = shown["dw"], given["x"]
coefficients = [shown[name] for name in ("cA3", "cD3", "cD2", "cD1")]
assert [len(band) for band in coefficients] == [38, 38, 75, 150]
assert np.abs(dw.waverec(coefficients, "db4", mode="periodization")[:positions] - x).max() < 1e-12 * np.abs(x).max()
energy = sum((np.asarray(band) ** 2).sum() for band in shown["W"]) + (np.asarray(shown["V"])[-1 if np.ndim(shown["V"]) > 1 else slice(None)] ** 2).sum()
assert abs(energy / (x**2).sum() - 1) < 1e-12
matrix, _, _ = dw.continuous(x, "morlet:6", given["scales"])
assert np.abs(shown["power"] / (np.abs(matrix) ** 2).sum(axis=0) - 1).max() < 1e-9
assert shown["squared"].shape == (16, positions) and (shown["squared"] <= 1 + 1e-12).all()
level = shown["level"][np.isfinite(shown["level"])]
assert ((level > 0) & (level < 1)).all() and len(level) > 0
