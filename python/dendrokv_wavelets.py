"""Wavelet transforms of libdendrokv_analysis, from NumPy.

dwt, idwt, wavedec, waverec, swt, iswt, mra and cwt take PyWavelets' arguments and give its results: the same order, shapes, types and
numbers. modwt, imodwt, wavelet_filters and wavelist are there too. `wavelet` is a name (wavelist()), an object with dec_lo, dec_hi,
rec_lo, rec_hi, or these four. Signals that are not finite are refused with ValueError.

The library is found through $DENDROKV_ANALYSIS_LIBRARY, in build/*/lib of the project, or where the system keeps libraries.
"""

import ctypes
import ctypes.util
import functools
import glob
import math
import os
import warnings

import numpy as np

__all__ = ["dwt", "idwt", "wavedec", "waverec", "swt", "iswt", "mra", "imra", "haar_magnitudes", "haar_profile", "cwt", "continuous",
           "continuous_power", "inverse_continuous", "coherence", "coherence_significance", "modwt", "imodwt",
           "wavelet_filters", "wavelist", "set_threads"]  # fmt: skip

_MODES = {
    "zero": "zero", "zpd": "zero", "constant": "constant", "cpd": "constant", "symmetric": "symmetric", "sym": "symmetric",
    "symm": "symmetric", "smooth": "smooth", "sp1": "smooth", "spd": "smooth", "periodic": "periodic", "ppd": "periodic",
    "periodization": "periodization", "per": "periodization", "reflect": "reflect", "antisymmetric": "antisymmetric",
    "asym": "antisymmetric", "antireflect": "antireflect", "brick-wall": "brick-wall",
}  # fmt: skip
# PyWavelets' numbers of its modes.
_MODE_CODES = ("zero", "symmetric", "constant", "smooth", "periodic", "periodization", "reflect", "antisymmetric", "antireflect")


class _Signal(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p), ("batches", ctypes.c_size_t), ("positions", ctypes.c_size_t), ("channels", ctypes.c_size_t),
        ("batch_stride", ctypes.c_ssize_t), ("position_stride", ctypes.c_ssize_t), ("channel_stride", ctypes.c_ssize_t),
    ]  # fmt: skip


_Doubles = ctypes.POINTER(ctypes.c_double)


class _Filters(ctypes.Structure):
    _fields_ = [("length", ctypes.c_size_t)] + [(name, _Doubles) for name in ("dec_lo", "dec_hi", "rec_lo", "rec_hi")]


def _candidates():
    named = os.environ.get("DENDROKV_ANALYSIS_LIBRARY")
    if named:
        return [named]
    here = os.path.dirname(os.path.abspath(__file__))
    built = glob.glob(os.path.join(here, "..", "build", "*", "lib", "libdendrokv_analysis.so"))
    installed = ctypes.util.find_library("dendrokv_analysis")
    return sorted(built, key=os.path.getmtime, reverse=True) + ([installed] if installed else [])


def _load():
    names = _candidates()
    if not names:
        raise ImportError("libdendrokv_analysis not found: build the project or set DENDROKV_ANALYSIS_LIBRARY")
    library = ctypes.CDLL(names[0])
    library.dendrokv_error.restype = ctypes.c_char_p
    library.dendrokv_wavelet_name.restype = ctypes.c_char_p
    library.dendrokv_wavelet_name.argtypes = [ctypes.c_size_t]
    return library


_library = _load()
_threads = 1


def set_threads(count):
    """How many threads a transform of several signals uses; results do not depend on it."""
    global _threads
    if count < 1:
        raise ValueError("at least one thread")
    _threads = int(count)


def _checked(status):
    if status != 0:
        raise ValueError(_library.dendrokv_error().decode())


# --- wavelets


def wavelist(family=None, kind="all"):
    """Names of the wavelets of a family ("db", "sym", ...) or of all; kind is "all", "discrete" or "continuous"."""
    if kind not in ("all", "discrete", "continuous"):
        raise ValueError(f"kind {kind!r}: wanted all, discrete or continuous")
    discrete, index = [], 0
    while (name := _library.dendrokv_wavelet_name(index)) is not None:
        discrete.append(name.decode())
        index += 1
    names = (discrete if kind != "continuous" else []) + (list(_CONTINUOUS_NAMES) if kind != "discrete" else [])
    if family is None:
        return names
    found = [name for name in names if name == family or (name.startswith(family) and name[len(family) :][:1].isdigit())]
    if not found:
        raise ValueError(f"wavelet family {family!r} not known")
    return found


@functools.lru_cache(maxsize=256)
def _named_filters(name):
    filters = _Filters()
    _checked(_library.dendrokv_wavelet_filters(name.lower().encode(), ctypes.byref(filters)))
    return filters


class _Bank:
    """Filters as the library wants them, with the arrays that they point into."""

    def __init__(self, wavelet):
        if isinstance(wavelet, str):
            self.filters = _named_filters(wavelet)
        else:
            if not isinstance(wavelet, (tuple, list)) and not hasattr(wavelet, "dec_lo"):
                raise ValueError(f"wavelet {wavelet!r}: wanted a discrete wavelet")
            taps = wavelet if isinstance(wavelet, (tuple, list)) else [getattr(wavelet, n) for n in ("dec_lo", "dec_hi", "rec_lo", "rec_hi")]
            if len(taps) != 4:
                raise ValueError(f"wavelet of {len(taps)} filters: wanted a name or four filters")
            self.arrays = [np.ascontiguousarray(t, dtype=np.float64) for t in taps]
            self.filters = _Filters(len(self.arrays[0]), *[a.ctypes.data_as(_Doubles) for a in self.arrays])
        self.length = self.filters.length


def wavelet_filters(name):
    """(dec_lo, dec_hi, rec_lo, rec_hi)"""
    filters = _Bank(name).filters
    return tuple(np.array(getattr(filters, n)[: filters.length]) for n in ("dec_lo", "dec_hi", "rec_lo", "rec_hi"))


# --- arrays as signals


def _boundary(mode):
    if isinstance(mode, str):
        if mode.lower() not in _MODES:
            raise ValueError(f"Unknown mode name {mode!r}: wanted one of {', '.join(sorted(set(_MODES.values())))}")
        return _MODES[mode.lower()].encode()
    if mode is None:
        raise TypeError("expected a mode, got None")
    if isinstance(mode, (int, np.integer)) and 0 <= mode < len(_MODE_CODES):
        return _MODE_CODES[mode].encode()
    raise ValueError(f"Invalid mode {mode!r}")


def _typed(data):
    """As PyWavelets: float32 stays, half floats become float32, all else float64; complex likewise."""
    data = np.asarray(data)
    if data.dtype in (np.float16, np.float32):
        return data.astype(np.float32, copy=False)
    if data.dtype.kind == "c":
        return data.astype(np.complex64 if data.dtype.itemsize <= 8 else np.complex128, copy=False)
    return data.astype(np.float64, copy=False)


def _axis(data, axis):
    if axis < 0:
        axis += data.ndim
    if not 0 <= axis < data.ndim:
        raise np.exceptions.AxisError("Axis greater than data dimensions") if hasattr(np, "exceptions") else np.AxisError("Axis greater than data dimensions")
    return axis


def _signal(array, axis):
    """[batch, position, channel] view of a C-contiguous array whose positions are `axis`; None = a band that is left out."""
    if array is None:
        return _Signal(None, 1, 0, 1, 0, 1, 1)
    shape, address = array.shape, array.__array_interface__["data"][0]
    channels = math.prod(shape[axis + 1 :])
    batches = math.prod(shape[:axis])
    if channels == 1:
        return _Signal(address, batches, shape[axis], 1, shape[axis], 1, 1)
    return _Signal(address, batches, shape[axis], channels, shape[axis] * channels, channels, 1)


def _signals(arrays, axis):
    return (_Signal * len(arrays))(*[_signal(array, axis) for array in arrays])


def _type_code(array):
    return ctypes.c_char(b"f" if array.dtype == np.float32 else b"d")


def _resized(shape, axis, length):
    return shape[:axis] + (length,) + shape[axis + 1 :]


def _both_parts(transform, data):
    """A linear transform of complex data: of both parts."""
    return _joined(transform(np.ascontiguousarray(data.real)), transform(np.ascontiguousarray(data.imag)))


def _joined(real, imaginary):
    if isinstance(real, (list, tuple)):
        return type(real)(_joined(r, i) for r, i in zip(real, imaginary))
    return (real + 1j * imaginary).astype(np.complex64 if real.dtype == np.float32 else np.complex128)


@functools.lru_cache(maxsize=256)
def _band_lengths(positions, filter_length, mode, level):
    length, lengths = ctypes.c_size_t(positions), []
    for _ in range(level):
        _checked(_library.dendrokv_dwt_length(length, ctypes.c_size_t(filter_length), mode, ctypes.byref(length)))
        lengths.append(length.value)
    return (lengths[-1], *reversed(lengths))


def _bands(shapes, dtype):
    """Arrays of these shapes in one piece of memory: large pieces come in large pages. Each starts a cache line, which lets results that
    are larger than a cache be written past it."""
    line = 64 // np.dtype(dtype).itemsize
    sizes = [math.prod(shape) for shape in shapes]
    rooms = [-(-size // line) * line for size in sizes]
    memory = np.empty(sum(rooms) + line, dtype)
    first = (-memory.ctypes.data % 64) // memory.itemsize
    bands = []
    for shape, size, room in zip(shapes, sizes, rooms):
        bands.append(memory[first : first + size].reshape(shape))
        first += room
    return bands


def _checked_out(out, shapes, dtype):
    """Arrays of the caller's for results: of these shapes and type, C-contiguous."""
    good = len(out) == len(shapes) and all(
        isinstance(o, np.ndarray) and o.shape == tuple(s) and o.dtype == dtype and o.flags.c_contiguous for o, s in zip(out, shapes)
    )
    if not good:
        raise ValueError(f"out: wanted C-contiguous arrays of {np.dtype(dtype)} with shapes {[tuple(s) for s in shapes]}")
    return list(out)


def _forward(data, bank, mode, level, axis, out=None):
    """[A_J, D_J, ..., D_1] of real, typed data."""
    if data.shape[axis] < (2 if mode in (b"reflect", b"antireflect") else 1):
        raise ValueError(f"signal of {data.shape[axis]} samples: too short for mode {mode.decode()}")
    data = np.ascontiguousarray(data)
    lengths = _band_lengths(data.shape[axis], bank.length, mode, level)
    shapes = [_resized(data.shape, axis, n) for n in lengths]
    bands = _bands(shapes, data.dtype) if out is None else _checked_out(out, shapes, data.dtype)
    signal = _signal(data, axis)
    _checked(_library.dendrokv_dwt(ctypes.byref(bank.filters), mode, ctypes.c_uint(level), _type_code(data), ctypes.byref(signal),
                                   _signals(bands, axis), ctypes.c_uint(_threads)))  # fmt: skip
    return bands


def _inverse_one(low, high, bank, mode, axis):
    some = low if low is not None else high
    length = some.shape[axis]
    positions = 2 * length if mode in (b"periodization", b"brick-wall") else 2 * length - bank.length + 2
    if positions < 1:
        raise ValueError("Invalid coefficient arrays length for specified wavelet. Wavelet and mode must be the same as used for decomposition.")
    out = np.empty(_resized(some.shape, axis, positions), some.dtype)
    bands = [None if band is None else np.ascontiguousarray(band) for band in (low, high)]
    signal = _signal(out, axis)
    _checked(_library.dendrokv_idwt(ctypes.byref(bank.filters), mode, ctypes.c_uint(1), _type_code(out), _signals(bands, axis),
                                    ctypes.byref(signal), ctypes.c_uint(_threads)))  # fmt: skip
    return out


def _common(a, b):
    """Both in one type, as PyWavelets joins them."""
    if a.dtype == b.dtype:
        return a, b
    wide = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
    return a.astype(wide), b.astype(wide)


# --- the decimated transform


def dwt(data, wavelet, mode="symmetric", axis=-1):
    """One level: (cA, cD)."""
    data = _typed(data)
    axis = _axis(data, axis)
    if data.dtype.kind == "c":
        return _both_parts(lambda part: dwt(part, wavelet, mode, axis), data)
    return tuple(_forward(data, _Bank(wavelet), _boundary(mode), 1, axis))


def idwt(cA, cD, wavelet, mode="symmetric", axis=-1):
    """Inverse of one level; one of the bands may be None, which counts as zeros."""
    if cA is None and cD is None:
        raise ValueError("At least one coefficient parameter must be specified.")
    cA, cD = (None if band is None else _typed(band) for band in (cA, cD))
    if cA is not None and cD is not None:
        cA, cD = _common(cA, cD)
        if cA.shape != cD.shape:
            raise ValueError("Coefficients arrays must have the same size.")
    some = cA if cA is not None else cD
    axis = _axis(some, axis)
    if some.dtype.kind == "c":
        parts = [[None if band is None else np.ascontiguousarray(take(band)) for band in (cA, cD)] for take in (np.real, np.imag)]
        return _joined(idwt(*parts[0], wavelet, mode, axis), idwt(*parts[1], wavelet, mode, axis))
    return _inverse_one(cA, cD, _Bank(wavelet), _boundary(mode), axis)


def _deepest(positions, filter_length):
    if filter_length < 2 or positions < filter_length - 1:
        return 0
    return max(0, (positions // (filter_length - 1)).bit_length() - 1)


def _checked_level(positions, bank, level):
    deepest = _deepest(positions, bank.length)
    if level is None:
        return deepest
    if level < 0:
        raise ValueError(f"Level value of {level} is too low . Minimum level is 0.")
    if level > deepest:
        warnings.warn(f"Level value of {level} is too high: all coefficients will experience boundary effects.", stacklevel=3)
    return level


def wavedec(data, wavelet, mode="symmetric", level=None, axis=-1, *, out=None):
    """[cA_n, cD_n, ..., cD_1]; `out` may give the arrays for them (real data)."""
    data = _typed(data)
    axis = _axis(data, axis)
    bank = _Bank(wavelet)
    level = _checked_level(data.shape[axis], bank, level)
    if level == 0:
        return [data.copy()]
    if data.dtype.kind == "c":
        return _both_parts(lambda part: _forward(part, bank, _boundary(mode), level, axis), data)
    return _forward(data, bank, _boundary(mode), level, axis, out)


def waverec(coeffs, wavelet, mode="symmetric", axis=-1):
    """Inverse of wavedec; details may be None. One sample longer than the signal was when that was odd."""
    if not isinstance(coeffs, (list, tuple)):
        raise ValueError("Expected sequence of coefficient arrays.")
    if len(coeffs) < 1:
        raise ValueError("Coefficient list too short (minimum 1 arrays required).")
    low = coeffs[0]
    if len(coeffs) == 1:
        return low
    for high in coeffs[1:]:
        if isinstance(high, dict):
            raise ValueError("Unexpected detail coefficient type: a dictionary. Detail coefficients must be arrays as returned by wavedec.")
        if high is not None:
            high = np.asarray(high)
            if low is not None:
                low = np.asarray(low)
                at = _axis(high, axis)
                if low.ndim != high.ndim:
                    raise ValueError("coefficient shape mismatch")
                if low.shape[at] == high.shape[at] + 1:
                    low = low[(slice(None),) * at + (slice(-1),)]
                elif low.shape[at] != high.shape[at]:
                    raise ValueError("coefficient shape mismatch")
        if low is None and high is None:
            continue
        low = idwt(low, high, wavelet, mode, axis)
    return low


# --- undecimated transforms


def _undecimated(data, bank, kind, level, skipped, axis, every_smooth, out=None):
    """(details [level, ...], smooths), level 1 first; of the smooths only the last one unless all are wanted."""
    data = np.ascontiguousarray(data)
    if out is not None:
        details, smooth = _checked_out(out, [(level, *data.shape), data.shape], data.dtype)
        smooths = [None] * (level - 1) + [smooth]
    else:
        details = _bands([(level, *data.shape)], data.dtype)[0]
        smooths = [np.empty_like(data) if every_smooth or j == level - 1 else None for j in range(level)]
    signal = _signal(data, axis)
    _checked(_library.dendrokv_modwt(ctypes.byref(bank.filters), kind, ctypes.c_uint(level), ctypes.c_uint(skipped), _type_code(data),
                                     ctypes.byref(signal), _signals(details, axis), _signals(smooths, axis), ctypes.c_uint(_threads)))  # fmt: skip
    return details, smooths


def _undecimated_inverse(details, smooth, bank, kind, skipped, axis):
    some = smooth if smooth is not None else next(d for d in details if d is not None)
    out = np.empty_like(some, order="C")
    details = [None if d is None else np.ascontiguousarray(d) for d in details]
    smooth = None if smooth is None else np.ascontiguousarray(smooth)
    signal, last = _signal(out, axis), _signal(smooth, axis)
    _checked(_library.dendrokv_imodwt(ctypes.byref(bank.filters), kind, ctypes.c_uint(len(details)), ctypes.c_uint(skipped), _type_code(out),
                                      _signals(details, axis), ctypes.byref(last), ctypes.byref(signal), ctypes.c_uint(_threads)))  # fmt: skip
    return out


def _swt_max_level(positions):
    if positions < 1:
        return 0
    return (positions & -positions).bit_length() - 1


def swt(data, wavelet, level=None, start_level=0, axis=-1, trim_approx=False, norm=False):
    """Stationary transform: [(cA_n, cD_n), ..., (cA_1, cD_1)], or [cA_n, cD_n, ..., cD_1] with trim_approx."""
    data = _typed(data)
    axis = _axis(data, axis)
    bank = _Bank(wavelet)
    if norm and not _orthogonal(bank):
        warnings.warn("norm=True, but the wavelet is not orthogonal: \n\tThe conditions for energy preservation are not satisfied.", stacklevel=2)
    positions = data.shape[axis]
    if level is None:
        level = _swt_max_level(positions)
    if level < 1:
        raise ValueError("Level value must be greater than zero.")
    if start_level < 0:
        raise ValueError("start_level must be greater than zero.")
    if start_level >= _swt_max_level(positions):
        raise ValueError(f"start_level must be less than {_swt_max_level(positions)}.")
    if level + start_level > _swt_max_level(positions):
        raise ValueError(f"Level value too high (max level for current data size and start_level is {_swt_max_level(positions) - start_level}).")
    if data.dtype.kind == "c":
        return _both_parts(lambda part: swt(part, wavelet, level, start_level, axis, trim_approx, norm), data)
    kind = b"stationary-normalised" if norm else b"stationary"
    details, smooths = _undecimated(data, bank, kind, level, start_level, axis, not trim_approx)
    if trim_approx:
        return [smooths[-1], *details[::-1]]
    return list(zip(smooths[::-1], details[::-1]))


def _orthogonal(bank):
    f = bank.filters
    low = np.array(f.dec_lo[: f.length])
    products = np.correlate(low, low, "full")[f.length - 1 :: 2]
    return bool(np.allclose(products, [1.0] + [0.0] * (len(products) - 1), atol=1e-6)) and bool(np.allclose(low[::-1], f.rec_lo[: f.length], atol=1e-6))


def iswt(coeffs, wavelet, norm=False, axis=-1):
    """Inverse of swt, of either form."""
    trimmed = not isinstance(coeffs[0], (tuple, list))
    smooth = _typed(coeffs[0] if trimmed else coeffs[0][0])
    details = [_typed(d) for d in (coeffs[1:] if trimmed else [d for _, d in coeffs])]
    if smooth.ndim == 1 and axis not in (0, -1):
        raise np.exceptions.AxisError("Axis greater than data dimensions")
    axis = _axis(smooth, axis)
    for i, detail in enumerate(details):
        if detail.shape != smooth.shape:
            raise ValueError("coefficient shape mismatch")
        smooth, details[i] = _common(smooth, detail)
    details = [d.astype(smooth.dtype, copy=False) for d in details]
    if smooth.dtype.kind == "c":
        parts = [[np.ascontiguousarray(take(band)) for band in [smooth] + details] for take in (np.real, np.imag)]
        return _joined(iswt(parts[0], wavelet, norm, axis), iswt(parts[1], wavelet, norm, axis))
    kind = b"stationary-normalised" if norm else b"stationary"
    return _undecimated_inverse(details[::-1], smooth, _Bank(wavelet), kind, 0, axis)


def _causal_bank(wavelet):
    """Symlets in the order of Percival and Walden: sym4 is their LA(8), la8 here."""
    order = wavelet[3:] if isinstance(wavelet, str) and wavelet.startswith("sym") else ""
    if order.isdigit() and int(order) >= 4 and int(order) not in (5, 7, 9):
        dec_lo, dec_hi, rec_lo, rec_hi = wavelet_filters(wavelet)
        return _Bank((rec_lo, -rec_hi, dec_lo, -dec_hi))
    return _Bank(wavelet)


def modwt(x, wavelet, level, axis=-1, *, out=None):
    """Maximal overlap transform (Percival and Walden): W [level, ...] with level 1 first, and V [...], causal and circular.

    `out` may give the arrays (W, V).
    """
    x = _typed(x)
    axis = _axis(x, axis)
    if x.dtype.kind == "c":
        raise ValueError("modwt: complex data, wanted real")
    details, smooths = _undecimated(x, _causal_bank(wavelet), b"modwt", level, 0, axis, False, out)
    return details, smooths[-1]


def imodwt(W, V, wavelet, axis=-1):
    """Exact inverse of modwt. V or rows of W may be zero: one band alone gives a detail or the smooth."""
    V = _typed(V)
    W = np.asarray(W, dtype=V.dtype)
    if W.shape[1:] != V.shape:
        raise ValueError(f"W of shape {W.shape} and V of shape {V.shape}: wanted [level, ...] and [...]")
    return _undecimated_inverse(list(W), V, _causal_bank(wavelet), b"modwt", 0, _axis(V, axis))


def mra(data, wavelet, level=None, axis=-1, transform="swt", mode="periodization"):
    """Multiresolution analysis [S_n, D_n, ..., D_1]: each band rebuilt alone; they add up to the data."""
    if transform not in ("swt", "dwt"):
        raise ValueError(f"unrecognized transform: {transform}")
    if transform == "swt" and mode != "periodization":
        raise ValueError("transform swt only supports mode='periodization'")
    data = _typed(data)
    axis = _axis(data, axis)
    if transform == "swt":
        bands = swt(data, wavelet, level=level, axis=axis, trim_approx=True, norm=True)
        inverse = functools.partial(iswt, wavelet=wavelet, norm=True, axis=axis)
    else:
        bands = wavedec(data, wavelet, mode=mode, level=level, axis=axis)
        inverse = functools.partial(waverec, wavelet=wavelet, mode=mode, axis=axis)
    out = []
    for kept in range(len(bands)):
        alone = [band if i == kept else np.zeros_like(band) for i, band in enumerate(bands)]
        out.append(inverse(alone)[tuple(slice(n) for n in data.shape)])
    return out


def haar_magnitudes(weights, values, levels, *, out=None):
    """Mean over channels of |D_l| of weight * value per block of 2^l positions: a list of [head, positions / 2^l], level 1 first.

    weights [head, position] and values [head, position, channel] as float32; positions a multiple of 2^levels. The products are never
    formed in memory. The list's arrays are parts of one of doubles, [head, positions - positions / 2^levels], which `out` may give.
    """
    weights, values = (np.ascontiguousarray(a, dtype=np.float32) for a in (weights, values))
    heads, positions = weights.shape
    if values.ndim != 3 or values.shape[:2] != weights.shape:
        raise ValueError(f"values of shape {values.shape}: wanted [head, position, channel] with {weights.shape}")
    shape = (heads, positions - (positions >> levels))
    blocks = np.empty(shape) if out is None else _checked_out([out], [shape], np.float64)[0]
    _checked(_library.dendrokv_haar_magnitudes(
        ctypes.c_void_p(weights.ctypes.data), ctypes.c_void_p(values.ctypes.data), ctypes.c_size_t(heads), ctypes.c_size_t(positions),
        ctypes.c_size_t(values.shape[2]), ctypes.c_uint(levels), ctypes.c_void_p(blocks.ctypes.data), ctypes.c_uint(_threads)))  # fmt: skip
    firsts = [positions - (positions >> level) for level in range(levels + 1)]
    return [blocks[:, firsts[level] : firsts[level + 1]] for level in range(levels)]


def haar_profile(weights, values, levels):
    """The same at every position, [head, level, position]."""
    magnitudes = haar_magnitudes(weights, values, levels)
    return np.stack([np.repeat(m, 2 << level, axis=1) for level, m in enumerate(magnitudes)], axis=1)


def imra(mra_coeffs):
    """The data again: the sum of the bands."""
    return functools.reduce(lambda a, b: a + b, mra_coeffs)


# --- the continuous transform

# This library's own, by their Fourier transforms, and PyWavelets' by name.
_CONTINUOUS_NAMES = ("morlet", "paul", "dog", "morse")


class _CwtPlan(ctypes.Structure):
    _fields_ = [
        ("wavelet", ctypes.c_char_p), ("scales", _Doubles), ("scale_count", ctypes.c_size_t), ("dt", ctypes.c_double),
        ("normalisation", ctypes.c_char_p), ("boundary", ctypes.c_char_p), ("padded", ctypes.c_size_t), ("keep_mean", ctypes.c_int),
    ]  # fmt: skip


def _cwt_plan(wavelet, scales, dt, normalisation, boundary, padded, remove_mean):
    scales = np.ascontiguousarray(np.atleast_1d(scales), dtype=np.float64)
    plan = _CwtPlan(wavelet.encode(), scales.ctypes.data_as(_Doubles), len(scales), dt, normalisation.encode(), _boundary(boundary),
                    padded, 0 if remove_mean else 1)  # fmt: skip
    return plan, scales


def _real_signal(data):
    data = np.ascontiguousarray(_typed(data))
    if data.ndim != 1 or data.dtype.kind == "c":
        raise ValueError("wanted one real signal")
    return data


def continuous(data, wavelet, scales, dt=1.0, normalisation="l2", boundary="zero", padded=0, remove_mean=True, *, out=None):
    """(W [scale, position] complex, period [scale], cone of influence [position]), as Torrence and Compo (1998) define them.

    wavelet: "morlet:6", "paul:4", "dog:2" or "morse:20,3". boundary "periodic" pads nothing; padded is the length of the transform; `out` may give
    the array for W.
    """
    data = _real_signal(data)
    plan, scales = _cwt_plan(wavelet, scales, dt, normalisation, boundary, padded, remove_mean)
    kind = np.complex64 if data.dtype == np.float32 else np.complex128
    shape = (len(scales), len(data))
    out = np.empty(shape, kind) if out is None else _checked_out([out], [shape], kind)[0]
    _checked(_library.dendrokv_cwt(ctypes.byref(plan), _type_code(data), ctypes.c_void_p(data.ctypes.data), ctypes.c_size_t(len(data)),
                                   ctypes.c_void_p(out.ctypes.data), ctypes.c_uint(_threads)))  # fmt: skip
    period, cone = np.empty(len(scales)), np.empty(len(data))
    _checked(_library.dendrokv_cwt_axes(ctypes.byref(plan), ctypes.c_size_t(len(data)), period.ctypes.data_as(_Doubles),
                                        cone.ctypes.data_as(_Doubles)))  # fmt: skip
    return out, period, cone


def continuous_power(data, wavelet, scales, dt=1.0, normalisation="l2", boundary="zero", padded=0, remove_mean=True):
    """Sum over the scales of |W|^2 at every position, without forming W."""
    data = _real_signal(data)
    plan, _scales = _cwt_plan(wavelet, scales, dt, normalisation, boundary, padded, remove_mean)
    out = np.empty_like(data)
    _checked(_library.dendrokv_cwt_power(ctypes.byref(plan), _type_code(data), ctypes.c_void_p(data.ctypes.data),
                                         ctypes.c_size_t(len(data)), ctypes.c_void_p(out.ctypes.data), ctypes.c_uint(_threads)))  # fmt: skip
    return out


def inverse_continuous(coefficients, wavelet, scales, dt=1.0):
    """The signal less its mean, from L2 coefficients at scales of a constant ratio."""
    coefficients = np.ascontiguousarray(coefficients)
    real = np.float32 if coefficients.dtype == np.complex64 else np.float64
    plan, _scales = _cwt_plan(wavelet, scales, dt, "l2", "zero", 0, True)
    out = np.empty(coefficients.shape[1], real)
    _checked(_library.dendrokv_icwt(ctypes.byref(plan), _type_code(out), ctypes.c_void_p(coefficients.ctypes.data),
                                    ctypes.c_size_t(len(out)), ctypes.c_void_p(out.ctypes.data)))  # fmt: skip
    return out


def coherence(x, y, wavelet, scales, dt=1.0, octaves=0.6, boundary="zero", padded=0):
    """(R^2, phase) of two series, [scale, position] each: smoothed wavelet coherence, the phase positive where x leads."""
    x, y = (np.ascontiguousarray(_real_signal(series), dtype=np.float64) for series in (x, y))
    if x.shape != y.shape:
        raise ValueError(f"series of {len(x)} and {len(y)} positions: wanted equal lengths")
    plan, scales = _cwt_plan(wavelet, scales, dt, "l2", boundary, padded, True)
    squared, phase = np.empty((len(scales), len(x))), np.empty((len(scales), len(x)))
    doubles = [a.ctypes.data_as(_Doubles) for a in (x, y, squared, phase)]
    _checked(_library.dendrokv_coherence(ctypes.byref(plan), doubles[0], doubles[1], ctypes.c_size_t(len(x)), ctypes.c_double(octaves),
                                         doubles[2], doubles[3]))  # fmt: skip
    return squared, phase


def coherence_significance(positions, lag1_x, lag1_y, wavelet, scales, dt=1.0, octaves=0.6, confidence=0.95, surrogates=1000, seed=1):
    """R^2 per scale that pairs of independent first-order autoregressions stay below; NaN where the cone leaves no position."""
    plan, scales = _cwt_plan(wavelet, scales, dt, "l2", "zero", 0, True)
    levels = np.empty(len(scales))
    _checked(_library.dendrokv_coherence_significance(
        ctypes.byref(plan), ctypes.c_size_t(positions), ctypes.c_double(octaves), ctypes.c_double(lag1_x), ctypes.c_double(lag1_y),
        ctypes.c_double(confidence), ctypes.c_size_t(surrogates), ctypes.c_ulonglong(seed), ctypes.c_uint(_threads),
        levels.ctypes.data_as(_Doubles)))  # fmt: skip
    return levels


def _gaussian_derivative(x, order, complex_wave):
    """The order-th derivative of exp(-x^2), or of exp(-x^2 - i x), of unit energy."""
    # A derivative is a polynomial times the function: p' - 2 x p, and - i p of the wave.
    polynomial = np.polynomial.Polynomial([1.0 + 0j])
    slope = np.polynomial.Polynomial([-1j if complex_wave else 0, -2.0])
    for _ in range(order):
        polynomial = polynomial.deriv() + slope * polynomial
    wave = polynomial(x) * np.exp(-x * x - (1j * x if complex_wave else 0))
    fine = np.linspace(-8, 8, 20001)
    energy = np.sum(np.abs(polynomial(fine) * np.exp(-fine * fine)) ** 2) * (fine[1] - fine[0])
    return wave / np.sqrt(energy)


def _pywt_continuous(name, points):
    """psi on `points` points, and x, of PyWavelets' continuous wavelets by their formulas."""
    name = name.lower()
    if name.startswith(("gaus", "cgau")) and name[4:].isdigit():
        x = np.linspace(-5, 5, points)
        wave = _gaussian_derivative(x, int(name[4:]), name[0] == "c")
        if name[0] == "c":
            return wave, x
        return (wave * (-1) ** (int(name[4:]) // 2 + int(name[4:]))).real * (-1) ** int(name[4:]), x
    if name == "mexh":
        x = np.linspace(-8, 8, points)
        return (1 - x * x) * np.exp(-x * x / 2) * 2 / (np.sqrt(3) * np.pi**0.25), x
    if name == "morl":
        x = np.linspace(-8, 8, points)
        return np.cos(5 * x) * np.exp(-x * x / 2), x
    family = name[:4]
    parameters = [float(p) for p in name[4:].split("-")] if name[4:] else []
    if family == "cmor" and len(parameters) == 2:
        bandwidth, centre = parameters
        x = np.linspace(-8, 8, points)
        return np.exp(2j * np.pi * centre * x - x * x / bandwidth) / np.sqrt(np.pi * bandwidth), x
    if family == "shan" and len(parameters) == 2:
        bandwidth, centre = parameters
        x = np.linspace(-20, 20, points)
        return np.sqrt(bandwidth) * np.sinc(bandwidth * x) * np.exp(2j * np.pi * centre * x), x
    if family == "fbsp" and len(parameters) == 3:
        order, bandwidth, centre = parameters
        x = np.linspace(-20, 20, points)
        return np.sqrt(bandwidth) * np.sinc(bandwidth * x / order) ** order * np.exp(2j * np.pi * centre * x), x
    raise ValueError(f"Invalid wavelet name {name!r}: wanted one of morl, mexh, gaus1-8, cgau1-8, cmorB-C, shanB-C, fbspM-B-C, "
                     "morlet:w0, paul:m, dog:m, morse:beta,gamma")  # fmt: skip


def _central_frequency(wave, x):
    """Of the largest component, as PyWavelets counts it."""
    index = int(np.argmax(np.abs(np.fft.fft(wave)[1:]))) + 2
    if index > len(wave) / 2:
        index = len(wave) - index + 2
    return 1.0 / ((x[-1] - x[0]) / (index - 1))


def cwt(data, scales, wavelet, sampling_period=1.0, method="conv", axis=-1, *, precision=12):
    """(coefficients [scale, ...], frequencies [scale]).

    For PyWavelets' wavelets its algorithm: the integral of psi on 2^precision points, resampled by truncated index. For this library's
    (morlet:6, ...) the exact transform of `continuous`, scales in samples; method and precision do not matter then.
    """
    data = _typed(data)
    axis = 0 if data.ndim == 1 else _axis(data, axis)
    scales = np.atleast_1d(scales)
    if np.any(scales <= 0):
        raise ValueError("`scales` must only include positive values")
    name = wavelet if isinstance(wavelet, str) else wavelet.name
    lines = np.moveaxis(data, axis, -1)
    if name.split(":")[0] in _CONTINUOUS_NAMES:
        out, period, _ = _rows(lines, lambda line: continuous(line, name, scales))
        return np.moveaxis(out, -1, axis + 1), 1 / (period * sampling_period)
    if method not in ("conv", "fft"):
        raise ValueError("method must be 'conv' or 'fft'")
    wave, x = _pywt_continuous(name, 2**precision)
    complex_wave = np.iscomplexobj(wave)
    integral = np.cumsum(wave) * (x[1] - x[0])
    integral = np.conj(integral) if complex_wave else integral
    single = data.dtype in (np.float32, np.complex64)
    real = not complex_wave and data.dtype.kind != "c"
    dtype = (np.float32 if single else np.float64) if real else (np.complex64 if single else np.complex128)
    integral = integral.astype((np.complex64 if complex_wave else np.float32) if single else integral.dtype)
    out = np.empty((len(scales), *lines.shape), dtype)
    for i, scale in enumerate(scales):
        at = (np.arange(scale * (x[-1] - x[0]) + 1) / (scale * (x[1] - x[0]))).astype(int)
        kernel = integral[at[at < len(integral)]][::-1]
        for place in np.ndindex(*lines.shape[:-1]):
            row = -np.sqrt(scale) * np.diff(_convolved(lines[place], kernel, method))
            extra = (len(row) - lines.shape[-1]) / 2
            if extra < 0:
                raise ValueError(f"Selected scale of {scale} too small.")
            out[(i, *place)] = (row if complex_wave or data.dtype.kind == "c" else row.real)[int(np.floor(extra)) : len(row) - int(np.ceil(extra))]
    frequencies = _central_frequency(*_pywt_continuous(name, 2**8)) / scales
    return np.moveaxis(out, -1, axis + 1), frequencies / sampling_period


def _rows(lines, transform):
    """transform() of every line: its matrix gets the lines' axes between its own two."""
    results = [transform(np.ascontiguousarray(lines[place])) for place in np.ndindex(*lines.shape[:-1])]
    matrix = np.stack([r[0] for r in results], axis=1)
    return matrix.reshape(matrix.shape[0], *lines.shape), results[0][1], results[0][2]


def _convolved(line, kernel, method):
    if method == "conv":
        return np.convolve(line, kernel)
    length = len(line) + len(kernel) - 1
    size = 1 << max(length - 1, 1).bit_length()
    return np.fft.ifft(np.fft.fft(line, size) * np.fft.fft(kernel, size))[:length]
