#!/usr/bin/env python3
"""The wavelet library beside its peers, in one process: PyWavelets, ndwt, fCWT, ssqueezepy, pycwt (each if it can be imported).

    python3 -m venv build/peers && build/peers/bin/pip install PyWavelets==1.9.0 ndwt==0.1.1 fcwt==0.1.18 ssqueezepy==0.6.6 pycwt==0.5.0b0
    build/peers/bin/python bench/peers/wavelets.py [profile] [dwt] [modwt] [cwt] [--rounds N]

The candidates of a task take turns. Printed: the median on the clock, and the least processor time of all threads, which other work on
the machine disturbs little; ratios are of the latter. Results that are allocated by the callee count with their allocation. One thread.
"""

import importlib
import pathlib
import sys
import time
import warnings

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import dendrokv_wavelets as ours  # noqa: E402

warnings.simplefilter("ignore")
random = np.random.default_rng(1)
rounds = int(sys.argv[sys.argv.index("--rounds") + 1]) if "--rounds" in sys.argv else 7


def peer(name):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"# {name} left out: {error}")
        return None


pywt, ndwt, fcwt, ssqueezepy, pycwt = map(peer, ("pywt", "ndwt", "fcwt", "ssqueezepy", "pycwt"))


def compare(task, candidates):
    """candidates: name -> function; the first is ours. A slow one is run less often."""
    candidates = {name: run for name, run in candidates.items() if run is not None}
    clock, processor = ({name: [] for name in candidates} for _ in range(2))
    for name, run in candidates.items():
        run()  # plans and pages
    for round_ in range(rounds):
        for name, run in candidates.items():
            if round_ >= 2 and sum(clock[name]) > 8:
                continue
            start, used = time.perf_counter(), time.process_time()
            run()
            clock[name].append(time.perf_counter() - start)
            processor[name].append(time.process_time() - used)
    print(task)
    least = {name: min(times) for name, times in processor.items()}
    reference = next(iter(least.values()))
    for name in candidates:
        middle = sorted(clock[name])[len(clock[name]) // 2]
        print(f"  {name:34} {middle * 1e3:10.2f} ms  processor {least[name] * 1e3:10.2f} ms  x {least[name] / reference:6.2f}", flush=True)


def profile():
    levels = 5
    for heads in (270, 1024):
        values = random.standard_normal((heads, 512, 64), dtype=np.float32)
        weights = np.abs(random.standard_normal((heads, 512), dtype=np.float32))
        signal = values * weights[:, :, None]

        def block_means():
            for h in range(0, heads, 4):
                block = values[h : h + 4] * weights[h : h + 4, :, None]
                for _ in range(levels):
                    pair = block.reshape(block.shape[0], -1, 2, 64)
                    np.abs(pair[:, :, 0] - pair[:, :, 1]).mean(axis=2)
                    block = pair.mean(axis=2)

        def mra():
            for h in range(heads):
                for band in pywt.mra(signal[h], "haar", levels, axis=0, transform="dwt")[1:]:
                    np.abs(band).mean(axis=1)


        compare(
            f"TreeKV profile, {heads} heads x 512 x 64 float32, 5 levels",
            {
                "dendrokv haar_magnitudes": lambda: ours.haar_magnitudes(weights, values, levels),
                "NumPy block means, 4 heads": block_means,
                "ndwt.dwt_per + mean": ndwt and (lambda: [ndwt.dwt_per(ndwt.Wavelet.Daubechies1, signal[h], axes=[0], level=levels) for h in range(heads)]),
                "pywt.mra + mean": pywt and heads < 512 and mra or None,
            },
        )


def dwt():
    lines = random.standard_normal((32, 2**20), dtype=np.float32)
    for axis, data in ((-1, lines), (0, np.ascontiguousarray(lines.T))):
        out = ours.wavedec(data, "db5", "periodic", 10, axis)
        compare(
            f"DWT 32 x 2^20 float32 db5, 10 levels, periodic, axis {axis}",
            {
                "dendrokv wavedec, out given": lambda: ours.wavedec(data, "db5", "periodic", 10, axis, out=out),
                "dendrokv wavedec": lambda: ours.wavedec(data, "db5", "periodic", 10, axis),
                "ndwt.dwt": ndwt and (lambda: ndwt.dwt(ndwt.Wavelet.Daubechies5, data, bc=ndwt.BoundaryCondition.Periodic, axes=[axis % 2], level=10)),
                "ndwt.dwt_per": ndwt and (lambda: ndwt.dwt_per(ndwt.Wavelet.Daubechies5, data, axes=[axis % 2], level=10)),
                "pywt.wavedec": pywt and (lambda: pywt.wavedec(data, "db5", "periodic", 10, axis)),
            },
        )
    x = random.standard_normal(2**20)
    single = x.astype(np.float32)
    for wavelet, levels, theirs in (("db2", 20, "Daubechies2"), ("db4", 17, "Daubechies4"), ("sym8", 16, None)):
        peer_wavelet = ndwt and theirs and getattr(ndwt.Wavelet, theirs)
        compare(
            f"DWT 2^20 {wavelet}, {levels} levels, periodization",
            {
                "dendrokv wavedec float64": lambda: ours.wavedec(x, wavelet, "periodization", levels),
                "dendrokv wavedec float32": lambda: ours.wavedec(single, wavelet, "periodization", levels),
                "ndwt.dwt_per float64": peer_wavelet and (lambda: ndwt.dwt_per(peer_wavelet, x, level=levels)),
                "ndwt.lwt float32": peer_wavelet and (lambda: ndwt.lwt(peer_wavelet, single, bc=ndwt.BoundaryCondition.Periodic, level=levels)),
                "pywt.wavedec float64": pywt and (lambda: pywt.wavedec(x, wavelet, "periodization", levels)),
            },
        )


def modwt():
    x = random.standard_normal(2**19)
    out = ours.modwt(x, "sym4", 11)
    compare(
        "MODWT 2^19 float64 sym4, 11 levels",
        {
            "dendrokv modwt, out given": lambda: ours.modwt(x, "sym4", 11, out=out),
            "dendrokv modwt": lambda: ours.modwt(x, "sym4", 11),
            "pywt.swt trim_approx norm": pywt and (lambda: pywt.swt(x, "sym4", 11, trim_approx=True, norm=True)),
            "pywt.swt": pywt and (lambda: pywt.swt(x, "sym4", 11)),
        },
    )
    for dtype in (np.float64, np.float32):
        grid = random.standard_normal((4096, 128)).astype(dtype)
        out = ours.modwt(grid, "haar", 9, axis=0)
        compare(
            f"MODWT 4096 x 128 {np.dtype(dtype).name} haar, 9 levels, axis 0",
            {
                "dendrokv modwt, out given": lambda: ours.modwt(grid, "haar", 9, axis=0, out=out),
                "dendrokv modwt": lambda: ours.modwt(grid, "haar", 9, axis=0),
                "pywt.swt": pywt and (lambda: pywt.swt(grid, "haar", 9, axis=0)),
            },
        )


def direct_sum_error(x, scales, matrix, omega0=6.0):
    """Largest error of some rows, relative to the largest coefficient, against float64 on the same circle."""
    length = matrix.shape[1]
    spectrum = np.fft.fft(x.astype(np.float64), length)
    omega = 2 * np.pi * np.fft.fftfreq(length)
    worst = 0.0
    for s in range(0, len(scales), 37):
        psi = np.where(omega > 0, np.exp(-((scales[s] * omega - omega0) ** 2) / 2), 0) * np.pi**-0.25 * np.sqrt(2 * np.pi * scales[s])
        row = np.fft.ifft(spectrum * psi)
        worst = max(worst, np.abs(row - matrix[s]).max() / np.abs(row).max())
    return worst


def cwt():
    for positions in (10_000, 100_000):
        x = (random.standard_normal(positions)).astype(np.float32)
        x -= x.mean()
        periods = 2 * 2 ** (np.arange(300) * 5 / 299)
        scales = periods * (6 + np.sqrt(38)) / (4 * np.pi)
        padded = 1 << (positions - 1).bit_length()
        plan = {"boundary": "zero", "padded": padded}
        circle, _, _ = ours.continuous(x, "morlet:6", scales, boundary="periodic")
        error = direct_sum_error(x, scales, circle)
        print(f"# {positions} positions, 300 scales of periods 2 to 64 (a constant ratio), float32, morlet w0 = 6, zero-padded to {padded}; "
              f"largest error of dendrokv on the circle {error:.1e}")  # fmt: skip
        out = np.zeros((300, positions), np.complex64)
        theirs = None
        if fcwt:
            transform = fcwt.FCWT(fcwt.Morlet(2.0), 1, False, False)
            their_scales = fcwt.Scales(fcwt.Morlet(2.0), fcwt.FCWT_LOGSCALES, 1, 1 / 64, 1 / 2, 300)
            theirs = lambda: transform.cwt(x, their_scales, out)  # noqa: E731
        compare(
            f"CWT {positions} x 300, the matrix",
            {
                "dendrokv continuous": lambda: ours.continuous(x, "morlet:6", scales, **plan),
                "fCWT (output given)": theirs,
                "ssqueezepy.cwt": ssqueezepy and (lambda: ssqueezepy.cwt(x, ssqueezepy.Wavelet(("morlet", {"mu": 6.0}), dtype="float32"), scales=scales.astype(np.float32), padtype="zero")),
                "pycwt.cwt": pycwt and positions < 50_000 and (lambda: pycwt.cwt(x, 1, freqs=1 / periods, wavelet=pycwt.Morlet(6))) or None,
                "pywt.cwt fft cmor": pywt and positions < 50_000 and (lambda: pywt.cwt(x, periods, "cmor2.0-1.0", method="fft")) or None,
            },
        )

        def their_power():
            theirs()
            (out.real**2 + out.imag**2).sum(axis=0)

        compare(
            f"CWT {positions} x 300, power per position",
            {
                "dendrokv continuous_power": lambda: ours.continuous_power(x, "morlet:6", scales, **plan),
                "fCWT + NumPy sum": theirs and their_power,
            },
        )


tasks = {"profile": profile, "dwt": dwt, "modwt": modwt, "cwt": cwt}
chosen = [task for name, task in tasks.items() if name in sys.argv] or list(tasks.values())
print(f"# rounds {rounds}, threads 1; " + ", ".join(f"{m.__name__} {getattr(m, '__version__', '?')}" for m in (np, pywt, ndwt, fcwt, ssqueezepy, pycwt) if m))
for task in chosen:
    task()
