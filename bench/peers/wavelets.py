#!/usr/bin/env python3
"""The wavelet library beside its peers, in one process: PyWavelets, ndwt, fCWT, ssqueezepy, pycwt and GSL (each if it is there).

    python3 -m venv build/peers && build/peers/bin/pip install PyWavelets==1.9.0 ndwt==0.1.1 fcwt==0.1.18 ssqueezepy==0.6.6 pycwt==0.5.0b0
    apt-get install libgsl27
    build/peers/bin/python bench/peers/wavelets.py [profile] [batch] [line] [modwt] [cwt] [coherence] [--rounds N] [--wavelib LIBRARY]

No package has wavelib: github.com/rafat/wavelib, its sources compiled with -O3 into a shared library, which --wavelib names.

The candidates of a task take turns. Printed: the median and the least on the clock, the least processor time of all threads, and the ratio of
medians to the first line. Run it on a machine that does nothing else. Results that are allocated by the callee count with their allocation.
One thread, but for lines that say two. Every task prints lengths, type, boundary, levels or scales.
"""

import ctypes

import importlib
import importlib.metadata
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


wavelib = ctypes.CDLL(sys.argv[sys.argv.index("--wavelib") + 1]) if "--wavelib" in sys.argv else None


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
    middle = {name: sorted(times)[len(times) // 2] for name, times in clock.items()}
    reference = next(iter(middle.values()))
    for name in candidates:
        print(f"  {name:36} {middle[name] * 1e3:10.2f} ms  least {min(clock[name]) * 1e3:10.2f}  processor {min(processor[name]) * 1e3:10.2f}  "
              f"x {middle[name] / reference:6.2f}", flush=True)  # fmt: skip


def threads(count, run):
    """`run` on that many threads of ours."""

    def with_threads():
        ours.set_threads(count)
        run()
        ours.set_threads(1)

    return with_threads


def gsl_transform(taps, x):
    """GSL's transform of a copy of x, in place, all levels; None without GSL. Periodic, Daubechies by number of taps."""
    try:
        ctypes.CDLL("libgslcblas.so.0", mode=ctypes.RTLD_GLOBAL)
        gsl = ctypes.CDLL("libgsl.so.27")
    except OSError as error:
        print(f"# GSL left out: {error}")
        return None
    gsl.gsl_wavelet_alloc.restype = gsl.gsl_wavelet_workspace_alloc.restype = ctypes.c_void_p
    family = ctypes.c_void_p.in_dll(gsl, "gsl_wavelet_daubechies")
    wavelet = ctypes.c_void_p(gsl.gsl_wavelet_alloc(family, ctypes.c_size_t(taps)))
    room = ctypes.c_void_p(gsl.gsl_wavelet_workspace_alloc(ctypes.c_size_t(len(x))))
    data = x.copy()
    return lambda: gsl.gsl_wavelet_transform_forward(wavelet, ctypes.c_void_p(data.ctypes.data), ctypes.c_size_t(1),
                                                     ctypes.c_size_t(len(data)), room)  # fmt: skip


def profile():
    levels = 5
    for heads in (270, 1024):
        values = random.standard_normal((heads, 512, 64), dtype=np.float32)
        weights = np.abs(random.standard_normal((heads, 512), dtype=np.float32))
        signal = values * weights[:, :, None]
        out = np.empty((heads, 512 - (512 >> levels)))

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
                "dendrokv haar_magnitudes, out given": lambda: ours.haar_magnitudes(weights, values, levels, out=out),
                "dendrokv, two threads, out given": threads(2, lambda: ours.haar_magnitudes(weights, values, levels, out=out)),
                "dendrokv haar_magnitudes": lambda: ours.haar_magnitudes(weights, values, levels),
                "NumPy sum: a plain read": lambda: values.sum(),
                "NumPy block means, 4 heads": block_means,
                "ndwt.dwt_per + mean": ndwt and (lambda: [ndwt.dwt_per(ndwt.Wavelet.Daubechies1, signal[h], axes=[0], level=levels) for h in range(heads)]),
                "pywt.mra + mean": pywt and mra,
            },
        )


def batch():
    lines = random.standard_normal((32, 2**20), dtype=np.float32)
    for axis, data in ((-1, lines), (0, np.ascontiguousarray(lines.T))):
        out = ours.wavedec(data, "db5", "periodic", 10, axis)
        compare(
            f"DWT 32 x 2^20 float32 db5, 10 levels, periodic, axis {axis}",
            {
                "dendrokv wavedec, out given": lambda: ours.wavedec(data, "db5", "periodic", 10, axis, out=out),
                "dendrokv, two threads, out given": threads(2, lambda: ours.wavedec(data, "db5", "periodic", 10, axis, out=out)),
                "dendrokv wavedec": lambda: ours.wavedec(data, "db5", "periodic", 10, axis),
                "ndwt.dwt": ndwt and (lambda: ndwt.dwt(ndwt.Wavelet.Daubechies5, data, bc=ndwt.BoundaryCondition.Periodic, axes=[axis % 2], level=10)),
                "ndwt.dwt_per": ndwt and (lambda: ndwt.dwt_per(ndwt.Wavelet.Daubechies5, data, axes=[axis % 2], level=10)),
                "pywt.wavedec": pywt and (lambda: pywt.wavedec(data, "db5", "periodic", 10, axis)),
            },
        )


def line():
    x = random.standard_normal(2**20)
    single = x.astype(np.float32)
    for wavelet, levels, theirs in (("db2", 20, "Daubechies2"), ("db4", 17, "Daubechies4"), ("sym8", 16, None)):
        peer_wavelet = ndwt and theirs and getattr(ndwt.Wavelet, theirs)
        out = ours.wavedec(x, wavelet, "periodization", levels)
        single_out = ours.wavedec(single, wavelet, "periodization", levels)
        compare(
            f"DWT 2^20 {wavelet}, {levels} levels, periodization",
            {
                "dendrokv wavedec float64, out given": lambda: ours.wavedec(x, wavelet, "periodization", levels, out=out),
                "dendrokv wavedec float32, out given": lambda: ours.wavedec(single, wavelet, "periodization", levels, out=single_out),
                "dendrokv wavedec float64": lambda: ours.wavedec(x, wavelet, "periodization", levels),
                "dendrokv wavedec float32": lambda: ours.wavedec(single, wavelet, "periodization", levels),
                "ndwt.dwt_per float64": peer_wavelet and (lambda: ndwt.dwt_per(peer_wavelet, x, level=levels)),
                "ndwt.lwt float32": peer_wavelet and (lambda: ndwt.lwt(peer_wavelet, single, bc=ndwt.BoundaryCondition.Periodic, level=levels)),
                "GSL float64, in place": theirs and gsl_transform(2 * int(wavelet[2:]), x),
                "pywt.wavedec float64": pywt and (lambda: pywt.wavedec(x, wavelet, "periodization", levels)),
            },
        )


def wavelib_modwt(wavelet, x, levels):
    """wavelib's MODWT by its default method, direct sums around the circle, into memory of its own."""
    wavelib.wave_init.restype = wavelib.wt_init.restype = ctypes.c_void_p
    wave = ctypes.c_void_p(wavelib.wave_init(wavelet.encode()))
    transform = ctypes.c_void_p(wavelib.wt_init(wave, b"modwt", len(x), levels))
    return lambda: wavelib.modwt(transform, ctypes.c_void_p(x.ctypes.data))


def modwt():
    x = random.standard_normal(2**19)
    out = ours.modwt(x, "sym4", 11)
    compare(
        "MODWT 2^19 float64 sym4, 11 levels",
        {
            "dendrokv modwt, out given": lambda: ours.modwt(x, "sym4", 11, out=out),
            "dendrokv, two threads, out given": threads(2, lambda: ours.modwt(x, "sym4", 11, out=out)),
            "dendrokv modwt": lambda: ours.modwt(x, "sym4", 11),
            "pywt.swt trim_approx norm": pywt and (lambda: pywt.swt(x, "sym4", 11, trim_approx=True, norm=True)),
            "pywt.swt": pywt and (lambda: pywt.swt(x, "sym4", 11)),
            "wavelib modwt, direct": wavelib and wavelib_modwt("sym4", x, 11),
        },
    )
    for dtype in (np.float64, np.float32):
        grid = random.standard_normal((4096, 128)).astype(dtype)
        out = ours.modwt(grid, "haar", 9, axis=0)
        compare(
            f"MODWT 4096 x 128 {np.dtype(dtype).name} haar, 9 levels, axis 0",
            {
                "dendrokv modwt, out given": lambda: ours.modwt(grid, "haar", 9, axis=0, out=out),
                "dendrokv, two threads, out given": threads(2, lambda: ours.modwt(grid, "haar", 9, axis=0, out=out)),
                "dendrokv modwt": lambda: ours.modwt(grid, "haar", 9, axis=0),
                "pywt.swt": pywt and (lambda: pywt.swt(grid, "haar", 9, axis=0)),
            },
        )


def direct_sum_error(x, scales, matrix, omega0=6.0):
    """Largest error of some rows, relative to the largest coefficient, against float64 on the same circle."""
    length = matrix.shape[1]
    spectrum = np.fft.fft(x.astype(np.float64), length)
    omega = 2 * np.pi * np.fft.fftfreq(length)
    omega[length // 2] = np.abs(omega[length // 2])  # the Nyquist frequency counts as positive, as in Torrence and Compo
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
        out, own = (np.zeros((300, positions), np.complex64) for _ in range(2))
        theirs = None
        if fcwt:
            morlet = fcwt.Morlet(2.0)  # kept: fCWT does not
            transform = fcwt.FCWT(morlet, 1, False, False)
            their_scales = fcwt.Scales(morlet, fcwt.FCWT_LOGSCALES, 1, 1 / 64, 1 / 2, 300)
            theirs = lambda: transform.cwt(x, their_scales, out)  # noqa: E731
        compare(
            f"CWT {positions} x 300, the matrix",
            {
                "dendrokv continuous, out given": lambda: ours.continuous(x, "morlet:6", scales, **plan, out=own),
                "dendrokv, two threads, out given": threads(2, lambda: ours.continuous(x, "morlet:6", scales, **plan, out=own)),
                "dendrokv continuous": lambda: ours.continuous(x, "morlet:6", scales, **plan),
                "fCWT (output given)": theirs,
                "ssqueezepy.cwt": ssqueezepy and positions < 50_000 and (lambda: ssqueezepy.cwt(x, ssqueezepy.Wavelet(("morlet", {"mu": 6.0}), dtype="float32"), scales=scales.astype(np.float32), padtype="zero")) or None,
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
                "dendrokv, two threads": threads(2, lambda: ours.continuous_power(x, "morlet:6", scales, **plan)),
                "fCWT + NumPy sum": theirs and their_power,
            },
        )


def coherence():
    """pycwt makes series of six times its largest scale: 77 scales give about 1000 positions. It smooths over 14 scales with halves at the ends,
    nearly twice the 0.6 octaves of Torrence and Webster (1999); here ours does the same."""
    octaves = 13 / 12
    scales = 2 * 2 ** (np.arange(77) / 12)
    positions = int(np.ceil(scales[-1] * 6))
    print(f"# {positions} positions, Morlet 6, 77 scales of 2 to {scales[-1]:.1f} positions, 12 per octave, float64, 95 % level of red noise of 0.7 and 0.3")
    start = time.perf_counter()
    mine = ours.coherence_significance(positions, 0.7, 0.3, "morlet:6", scales, octaves=octaves, surrogates=1000)
    middle = time.perf_counter()
    twice = threads(2, lambda: ours.coherence_significance(positions, 0.7, 0.3, "morlet:6", scales, octaves=octaves, surrogates=1000))
    twice()
    end = time.perf_counter()
    print(f"  {'dendrokv, 1000 surrogates':36} {middle - start:10.2f} s\n  {'dendrokv, two threads':36} {end - middle:10.2f} s")
    if not pycwt:
        return
    few = 10
    started = time.perf_counter()
    theirs = pycwt.wct_significance(0.7, 0.3, 1, 1 / 12, 2, 76, wavelet=pycwt.Morlet(6), mc_count=few, progress=False, cache=False)
    each = (time.perf_counter() - started) / few
    print(f"  {'pycwt, ' + str(few) + ' surrogates':36} {each * few:10.2f} s: 1000 take {each * 1000:.0f} s  x {each * 1000 / (middle - start):.0f}")
    both = np.isfinite(mine[:60]) & np.isfinite(theirs[:60]) & (theirs[:60] > 0)
    print(f"# median difference of the levels at 60 scales: {np.median(np.abs(mine[:60] - theirs[:60])[both]):.3f}")


tasks = {"profile": profile, "batch": batch, "line": line, "modwt": modwt, "cwt": cwt, "coherence": coherence}
chosen = [task for name, task in tasks.items() if name in sys.argv] or list(tasks.values())
versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name, module in (("numpy", np), ("PyWavelets", pywt), ("ndwt", ndwt), ("fcwt", fcwt),
                                                                                       ("ssqueezepy", ssqueezepy), ("pycwt", pycwt)) if module)  # fmt: skip
print(f"# rounds {rounds}; {versions}")
for task in chosen:
    task()
