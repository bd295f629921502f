"""DendroKV's files as NumPy arrays, and traces from any other program.

One file, NumPy and h5py, nothing to build: copy it beside your script. The layout of the files is in docs/files.md.

Reading:

    import dendrokv_trace as dt

    with dt.open("trace.h5") as trace:          # a trace, runs, analysis, eval, tune, logits file or a set, by its format
        rows = trace.weights(layer=14, head=3)  # float32 [step, position], NaN = not in the cache then
        s = trace.contribution(layer=14, head=3, step=-1)  # weight x value: [position, channel]
        kept = trace.run["evict_step"] < 0      # [layer, lane, position], if a policy ran
    with dt.open("books.h5/item/3") as trace:   # one result of many tasks, in the file that `dendrokv merge` wrote
        ...

Writing, here from a PyTorch model run with output_attentions=True:

    out = model(ids, output_attentions=True, use_cache=True)
    dt.write_trace("other.h5", attention=out.attentions, values=[values of each layer: [kv_head, token, channel]],
                   tokens=ids[0], pieces=[tokenizer.decode(i) for i in ids[0]], model={"name": "my model"})

What is written opens in dendrokv info, replay, analyze, report and in the viewer. Errors are TraceError: what, found, wanted.
"""

import builtins
import datetime
import os
import uuid as _uuid

import h5py
import numpy as np

FORMAT_VERSION = 1
_CHUNK_STEPS, _CHUNK_POSITIONS = 64, 256
_KV_CHUNK_ROWS = 256
_LARGEST_COARSE = 1024
_SUM_TOLERANCE = 1e-3
_ENCODINGS = {"f16": np.dtype("<f2"), "f32": np.dtype("<f4"), "u8": np.dtype("u1")}


class TraceError(ValueError):
    """A file or an argument that does not fit: what it is, what was found, what was wanted."""


def _fail(subject, found, wanted):
    raise TraceError(f"{subject}: {found}, wanted {wanted}")


# ---------------------------------------------------------------------------------------------------------------- reading


def open(path, incomplete=False):  # noqa: A001: dendrokv_trace.open, as h5py.File and tarfile.open
    """The file at `path` as a Trace, Runs, Analysis, Eval, Tune, Logits or Set; `SET.h5/item/3` is one result in a set. A file
    whose writer stopped early is refused unless `incomplete` is true; its Trace then ends with the steps that are whole."""
    name, place = os.fspath(path), "/"
    if not os.path.exists(name) and "/item/" in name:
        name, _, member = name.rpartition("/item/")
        place = "/item/" + member
    try:
        file = h5py.File(name, "r")
    except OSError as error:
        raise TraceError(f"{path}: cannot be opened ({error}), wanted an HDF5 file that dendrokv wrote") from error
    try:
        if place not in file:
            _fail(path, "not in the set", "one of " + ", ".join(f"item/{order}" for order in file.get("item", ())))
        return _opened(path, file[place], incomplete)
    except BaseException:
        file.close()
        raise


def _opened(path, group, incomplete):
    """`group` holds what a file of its own would: its format says what that is."""
    kind = _text(group.attrs.get("format", b""))
    if not kind and "task_error" in group.attrs:
        _fail(path, "the task failed: " + _text(group.attrs["task_error"]), "one that was done")
    if kind not in _KINDS:
        _fail(path, f"format '{kind}'", "one of " + ", ".join(_KINDS))
    version = int(group.attrs.get("format_version", 0))
    if not 1 <= version <= FORMAT_VERSION:
        _fail(path, f"format version {version}", f"{FORMAT_VERSION} or older: read it with a newer dendrokv_trace.py")
    if not incomplete and int(group.attrs.get("complete", 0)) != 1:
        _fail(path, "an incomplete file", "a finished one, or incomplete=True")
    return _KINDS[kind](group)


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def _attributes(node):
    """Attributes as Python texts, numbers, lists and arrays."""
    def plain(value):
        if isinstance(value, (bytes, np.bytes_)):
            return value.decode()
        if isinstance(value, np.ndarray) and value.dtype.kind in "SO":
            return [_text(item) for item in value]
        return value.item() if isinstance(value, np.generic) else value
    return {name: plain(value) for name, value in node.attrs.items()}


class _File:
    """`file` is the h5py.File, for whatever is not covered here; of a result in a set its group."""

    def __init__(self, file):
        self.file = file
        self.name = file.file.filename + ("" if file.name == "/" else file.name)
        self.attributes = _attributes(file)
        self.uuid = self.attributes.get("uuid", "")

    def close(self):
        self.file.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Trace(_File):
    """Indices of layers and heads count recorded ones: `layers`, `heads` and `steps` say which they are. A trace may hold full rows,
    what they were reduced to, or both; asking for what it does not hold is a TraceError that says what it holds."""

    def __init__(self, file):
        super().__init__(file)
        self.model = _attributes(file["model"])
        self.ids = file["tokens/id"][:]
        self.layers, self.heads, self.steps = (file["attention/" + name][:] for name in ("layer", "head", "step"))
        if int(file.attrs["complete"]) != 1:
            self.steps = self.steps[:int(file["attention/steps_valid"][0])]
        attention = file["attention"]
        self.policy = _text(attention.attrs["policy"] if "policy" in attention.attrs else attention["weight"].attrs["policy"])
        self.top_k = int(attention.attrs.get("top_k", 0)) if "topk_weight" in attention else 0
        self.pool = int(attention.attrs.get("pool", 0)) if "pool_max" in attention else 0
        self.has_rows, self.has_entropy = "weight" in attention, "entropy" in attention
        self.has_keys = "key/key" in file

    @property
    def tokens(self):
        return len(self.ids)

    @property
    def pieces(self):
        """The text of each token: bytes, because a token may end inside of a character."""
        raw, offset = self.file["tokens/bytes"][:].tobytes(), self.file["tokens/offset"][:]
        return [raw[a:b] for a, b in zip(offset[:-1], offset[1:])]

    def weights(self, layer, head, steps=slice(None), positions=slice(None)):
        """float32 [step, position] of one recorded (layer, head); without the first axis when `steps` is a number."""
        return self._cells("weight", layer, head, steps, positions)

    def top(self, layer, head, steps=slice(None)):
        """Positions (int32, -1 = none) and weights (float32) [step, k] of the largest weights, and the rest [step]."""
        rows = self._steps(steps)
        return (self._dataset("topk_position")[layer, head, rows], self._cells("topk_weight", layer, head, steps, slice(None)),
                self._dataset("rest")[layer, head, rows])

    def pools(self, layer, head, steps=slice(None)):
        """Largest weight and mass of each block of `pool` positions: two arrays float32 [step, block]."""
        return tuple(self._cells(name, layer, head, steps, slice(None)) for name in ("pool_max", "pool_sum"))

    def entropy(self, layer, head, steps=slice(None)):
        """float32 [step], nat."""
        return self._dataset("entropy")[layer, head, self._steps(steps)]

    def kv_head(self, head):
        """The KV head that a recorded query head reads."""
        return int(self.heads[head]) // (self.model["heads"] // self.model["kv_heads"])

    def values(self, layer, kv_head, positions=slice(None)):
        """float32 [position, channel]."""
        return self.file["value/value"][layer, kv_head, positions].astype(np.float32)

    def keys(self, layer, kv_head, positions=slice(None)):
        """float32 [position, channel], without rotation."""
        if not self.has_keys:
            _fail(f"{self.name}: /key/key", "no keys", "a trace that was recorded with --with-keys")
        return self.file["key/key"][layer, kv_head, positions].astype(np.float32)

    def contribution(self, layer, head, step=-1):
        """weight x value of one step: float32 [position, channel]; NaN where a position was not in the cache."""
        return self.weights(layer, head, step)[:, None] * self.values(layer, self.kv_head(head))

    @property
    def loss(self):
        """-ln p(token t / tokens < t) in nat, [token]; NaN at 0."""
        return self.file["loss/nll"][:]

    @property
    def run(self):
        """The run of the policy that ran in the engine, as in Runs; None if none did."""
        return _run(self.file["run"]) if "run" in self.file else None

    def _steps(self, steps):
        if isinstance(steps, (int, np.integer)):
            return range(len(self.steps))[steps]
        return slice(*steps.indices(len(self.steps)))

    def _dataset(self, name):
        if name in self.file["attention"]:
            return self.file["attention/" + name]
        held = [text for text, there in (("full rows", self.has_rows), (f"top {self.top_k} + rest", self.top_k),
                                         (f"pools of {self.pool} positions", self.pool), ("entropy", self.has_entropy)) if there]
        _fail(f"{self.name}: /attention/{name}", "not recorded, only " + ", ".join(held), "a trace that has it")

    def _cells(self, name, layer, head, steps, columns):
        dataset = self._dataset(name)
        cells = dataset[layer, head, self._steps(steps), columns]
        return dataset.attrs["code_table"][cells] if dataset.dtype == np.uint8 else cells.astype(np.float32)


def _run(group):
    run = _attributes(group)
    arrays = ("evict_step", "rival", "score", "rival_score", "reason", "lane_budget")
    run.update({name: group[name][:] for name in arrays if name in group})
    return run


def kept_after(run, step):
    """bool [layer, lane, position]: in the cache after `step`."""
    positions = np.arange(run["evict_step"].shape[-1])
    return (positions <= step) & ((run["evict_step"] < 0) | (run["evict_step"] > step))


class Runs(_File):
    """`runs`: one dictionary per policy, the attributes of its group and the arrays [layer, lane, position]; with a budget map
    also `lane_budget` [layer, lane], the rows of each lane."""

    def __init__(self, file):
        super().__init__(file)
        self.trace_uuid = self.attributes["trace_uuid"]
        self.runs = [_run(file[f"runs/{i}"]) for i in range(int(file["runs"].attrs["count"]))]


class Analysis(_File):
    """`profile`: the attributes of /profile and its arrays, by name."""

    def __init__(self, file):
        super().__init__(file)
        self.profile = _attributes(file["profile"])
        self.profile.update({name: node[()] for name, node in file["profile"].items() if isinstance(node, h5py.Dataset)})


def _lane_budgets(file):
    group = file["lane_budget"] if "lane_budget" in file else {}
    return {policy: group[str(policy)][:] for policy in sorted(map(int, group))}


class Eval(_File):
    """`texts`: for each text a dictionary with nll float32 [policy, token], policy and the token ids. `lane_budgets`: by the place of a
    policy with a budget map, the rows of each lane [layer, lane]."""

    def __init__(self, file):
        super().__init__(file)
        self.lane_budgets = _lane_budgets(file)
        groups = [file[f"text/{i}"] for i in range(len(file["text"]))] if "text" in file else [file]
        self.texts = []
        for group in groups:
            policy = group["policy"] if "policy" in group else file["policy"]
            self.texts.append({"nll": group["nll"][:], "policy": [_text(spec) for spec in policy[:]], "ids": group["tokens/id"][:]})


class Logits(_File):
    """`logits`: the dataset float32 [token, vocabulary], read where it is sliced; `ids`: int32 [token]."""

    def __init__(self, file):
        super().__init__(file)
        self.logits, self.ids = file["logits"], file["tokens/id"][:]


class Tune(_File):
    """Settings compared by `dendrokv tune`: `settings` (specs), `pieces`, `loss` float64 [setting, piece] (NaN = not measured), and on
    held-out pieces `held_out_loss` [finalist, held-out piece] of the settings `finalists`, the baseline first. `spec` is the one to use.
    `lane_budgets`: by the place of a setting with a budget map, the rows of each lane [layer, lane]."""

    def __init__(self, file):
        super().__init__(file)
        self.lane_budgets = _lane_budgets(file)
        self.settings, self.pieces, self.held_out_pieces = ([_text(text) for text in file[name][:]]
                                                            for name in ("setting", "piece", "held_out/piece"))
        self.loss, self.held_out_loss, self.finalists = (file[name][:] for name in ("loss", "held_out/loss", "held_out/setting"))
        self.mean, self.difference, self.lower, self.upper = (file["held_out/" + name][:]
                                                              for name in ("mean", "difference", "lower", "upper"))
        self.spec = self.attributes["spec"]


class Set(_File):
    """Results of many tasks. `items`: for each, in the order of the list, a dictionary with order, key, task, format (empty = it failed)
    and error; `set[order]` is the result, which is closed with the set."""

    def __init__(self, file):
        super().__init__(file)
        self.items = []
        for order in file["order"][:]:
            attributes = _attributes(file[f"item/{order}"])
            self.items.append({"order": int(order), "format": attributes.get("format", ""),
                               **{name: attributes.get("task_" + name, "") for name in ("key", "error")}, "task": attributes["task"]})

    def __len__(self):
        return len(self.items)

    def __getitem__(self, order):
        if f"item/{order}" not in self.file:
            _fail(f"{self.name}: item {order}", "not in the set", "one of " + ", ".join(str(item["order"]) for item in self.items))
        return _opened(f"{self.name}/item/{order}", self.file[f"item/{order}"], False)


_KINDS = {"dendrokv-trace": Trace, "dendrokv-runs": Runs, "dendrokv-analysis": Analysis, "dendrokv-eval": Eval,
          "dendrokv-tune": Tune, "dendrokv-logits": Logits, "dendrokv-set": Set}


# ---------------------------------------------------------------------------------------------------------------- writing


def write_trace(path, attention, values, tokens, pieces=None, model=None, layers=None, heads=None, steps=None, keys=None, loss=None,
                encoding="f16", policy="full", command_line=""):
    """A trace from arrays; lists, NumPy arrays and PyTorch tensors on the CPU will do.

    attention  weights after the softmax of each recorded layer: an array [layer, head, step, position], or anything that gives one
               array [head, step, position] after the other (a leading batch axis of 1 is dropped), so that one layer is in memory
               at a time (values and keys come after all of attention). Positions after a step's own are absent whatever they hold; NaN marks other absent ones (evicted, masked).
               Rows must sum to 1 within 1e-3.
    values     of each recorded layer [kv_head, token, channel], in the same form; keys (un-rotated) likewise, if given.
    tokens     ids; pieces: the text of each, str or bytes.
    model      name, architecture, sha256, layers, heads, kv_heads, head_dim, vocabulary, context_length, rope_base: what is left out
               follows from the arrays or is 0. Numbers that are given must fit.
    layers, heads, steps   which ones were recorded; default: all, and one step per row from the first token on.
    loss       -ln p of each token in nat; default NaN.
    encoding   f16, f32 or u8.

    The file appears under its name when it is whole.
    """
    if encoding not in _ENCODINGS:
        _fail("encoding", repr(encoding), "f16, f32 or u8")
    tokens = _array("tokens", tokens, 1).astype(np.int32)
    attention, values = iter(attention), iter(values)
    first_rows = _layer_array("attention", next(attention, None), 3)
    first_values = _layer_array("values", next(values, None), 3)
    plan = _plan(first_rows, first_values, len(tokens), dict(model or {}), layers, heads, steps)
    part = os.fspath(path) + ".part"
    try:
        with h5py.File(part, "w", libver=("v110", "v110")) as file:
            _write_root(file, command_line)
            _write_group(file, "/model", plan["model"])
            _write_tokens(file, tokens, pieces)
            _write_loss(file, loss, len(tokens))
            writer = _AttentionWriter(file, plan, encoding, policy)
            rows_of = {"attention": (attention, first_rows, writer), "values": (values, first_values, _KvWriter(file, "value", plan, encoding))}
            if keys is not None:
                keys = iter(keys)
                rows_of["keys"] = (keys, _layer_array("keys", next(keys, None), 3), _KvWriter(file, "key", plan, encoding))
            for name, (layers_of, first, target) in rows_of.items():
                for index in range(len(plan["layers"])):
                    target.write(index, first if index == 0 else _layer_array(name, next(layers_of, None), 3))
                if next(layers_of, None) is not None:
                    _fail(name, "more layers than `layers` names", str(len(plan["layers"])))
            writer.finish()
            file.attrs["complete"] = np.uint64(1)
        with builtins.open(part, "rb") as written:
            os.fsync(written.fileno())
    except BaseException:
        if os.path.exists(part):
            os.remove(part)
        raise
    os.replace(part, path)


def _write_loss(file, loss, tokens):
    nll = np.full(tokens, np.nan) if loss is None else _array("loss", loss, 1)
    if len(nll) != tokens:
        _fail("loss", f"{len(nll)} numbers", f"one for each of {tokens} tokens")
    file.create_dataset("/loss/nll", data=nll.astype("<f4")).attrs["units"] = _fixed("nat")


def _array(name, data, rank):
    if hasattr(data, "detach"):  # a PyTorch tensor; NumPy has no bfloat16
        data = data.detach().cpu()
        data = (data.float() if data.is_floating_point() else data).numpy()
    array = np.asarray(data)
    if array.ndim == rank + 1 and len(array) == 1:
        array = array[0]
    if array.ndim != rank:
        _fail(name, f"shape {list(array.shape)}", f"{rank} axes")
    return array


def _layer_array(name, data, rank):
    if data is None:
        _fail(name, "fewer layers than `layers` names", "one array for each")
    return _array(name, data, rank)


def _rising(name, numbers, count, end):
    numbers = np.arange(count) if numbers is None else _array(name, numbers, 1)
    if len(numbers) != count or count == 0 or np.any(np.diff(numbers) <= 0) or numbers[0] < 0 or numbers[-1] >= end:
        _fail(name, str(list(numbers[:8])) + ("..." if len(numbers) > 8 else ""), f"{count} rising numbers below {end}")
    return numbers.astype(np.int32)


def _plan(rows, values, tokens, model, layers, heads, steps):
    """What all layers share: lists of what was recorded, and the numbers of the model."""
    recorded_heads, recorded_steps, positions = rows.shape
    kv_heads, value_tokens, head_dim = values.shape
    if positions != tokens or value_tokens != tokens:
        _fail("attention and values", f"{positions} and {value_tokens} positions", f"{tokens}, one for each token")
    layer_count = len(layers) if layers is not None else model.get("layers")
    if layer_count is None:
        _fail("layers", "neither `layers` nor model['layers']", "how many layers are recorded")
    facts = {"name": "", "architecture": "", "sha256": "", "layers": int(max(layers)) + 1 if layers is not None else layer_count,
             "heads": int(max(heads)) + 1 if heads is not None else recorded_heads, "kv_heads": kv_heads, "head_dim": head_dim,
             "vocabulary": 0, "context_length": 0, "rope_base": 0.0}
    unknown = set(model) - set(facts)
    if unknown:
        _fail("model", ", ".join(sorted(unknown)), "of " + ", ".join(facts))
    facts.update(model)
    if facts["kv_heads"] != kv_heads or facts["head_dim"] != head_dim or facts["heads"] % kv_heads:
        _fail("model", f"{facts['heads']} heads, {facts['kv_heads']} KV heads of {facts['head_dim']}",
              f"those of the values, {kv_heads} of {head_dim}, and a multiple of query heads")
    return {"model": facts, "tokens": tokens, "layers": _rising("layers", layers, layer_count, facts["layers"]),
            "heads": _rising("heads", heads, recorded_heads, facts["heads"]),
            "steps": _rising("steps", steps, recorded_steps, tokens)}


def _fixed(text):
    """Text of fixed length, as every HDF5 reader takes it."""
    data = text.encode() or b"\0"
    return np.array(data, dtype=h5py.string_dtype("utf-8", len(data)))


def _write_group(file, path, attributes):
    group = file.create_group(path)
    for name, value in attributes.items():
        if isinstance(value, str):
            group.attrs[name] = _fixed(value)
        else:
            group.attrs[name] = np.float64(value) if isinstance(value, float) else np.uint64(value)
    return group


def _write_root(file, command_line):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, text in (("format", "dendrokv-trace"), ("uuid", str(_uuid.uuid4())), ("created", now),
                       ("creator", "dendrokv_trace.py"), ("command_line", command_line)):
        file.attrs[name] = _fixed(text)
    file.attrs["format_version"] = np.uint64(FORMAT_VERSION)
    file.attrs["complete"] = np.uint64(0)


def _write_tokens(file, tokens, pieces):
    pieces = [f"<{i}>" for i in tokens] if pieces is None else list(pieces)
    if len(pieces) != len(tokens) or len(tokens) == 0:
        _fail("pieces", f"{len(pieces)} for {len(tokens)} tokens", "one for each of at least one token")
    raw = [piece if isinstance(piece, bytes) else piece.encode() for piece in pieces]
    file.create_dataset("/tokens/id", data=tokens.astype("<i4"))
    file.create_dataset("/tokens/offset", data=np.cumsum([0] + [len(piece) for piece in raw]).astype("<u8"))
    file.create_dataset("/tokens/bytes", data=np.frombuffer(b"".join(raw), np.uint8))


def code_table():
    """float32 [256] of the encoding u8: NaN (absent), 0, and 2^((code - 255) / 16)."""
    table = np.exp2((np.arange(256) - 255) / 16).astype(np.float32)
    table[0], table[1] = np.nan, 0
    return table


def _encode_u8(weights):
    with np.errstate(divide="ignore", invalid="ignore"):
        codes = np.rint(255 + 16 * np.log2(weights.astype(np.float64)))
    codes = np.where(weights < code_table()[2], 1, np.clip(codes, 2, 255))
    return np.where(np.isnan(weights), 0, codes).astype(np.uint8)


class _AttentionWriter:
    def __init__(self, file, plan, encoding, policy):
        self.file, self.encoding, self.steps = file, encoding, plan["steps"]
        steps, tokens = len(self.steps), plan["tokens"]
        self.shape = (len(plan["heads"]), steps, tokens)
        group = _write_group(file, "/attention", {"policy": policy, "encoding": encoding, "top_k": 0, "pool": 0})
        fill = 0 if encoding == "u8" else np.nan
        self.weight = group.create_dataset(
            "weight", (len(plan["layers"]), *self.shape), _ENCODINGS[encoding], fillvalue=fill,
            chunks=(1, 1, min(_CHUNK_STEPS, steps), min(_CHUNK_POSITIONS, tokens)))
        self.weight.attrs["policy"], self.weight.attrs["encoding"] = _fixed(policy), _fixed(encoding)
        if encoding == "u8":
            self.weight.attrs["code_table"] = code_table()
        for name in ("layer", "head", "step"):
            group.create_dataset(name, data=plan[name + "s"].astype("<i4"))
        group.create_dataset("steps_valid", data=np.array([steps], "<u8"))
        self.levels = [self._level(number, plan) for number in range(1, _pyramid_levels(steps, tokens) + 1)]

    def _level(self, number, plan):
        factor = 4 ** number
        rows, cols = -(-self.shape[1] // factor), -(-self.shape[2] // factor)
        group = _write_group(self.file, f"/pyramid/{number}", {"factor": factor})
        shape, chunks = (len(plan["layers"]), self.shape[0], rows, cols), (1, 1, min(64, rows), min(64, cols))
        group.create_dataset("step", data=self.steps[::factor].astype("<i4"))
        group.create_dataset("position", data=np.arange(0, self.shape[2], factor, dtype="<i4"))
        group.create_dataset("max", shape, "<f2", chunks=chunks, fillvalue=np.nan)
        group.create_dataset("sum", shape, "<f2" if number == 1 and self.encoding != "f32" else "<f4", chunks=chunks)
        group.create_dataset("count", shape, "<u2" if factor ** 2 < 2 ** 16 else "<u4", chunks=chunks)
        return group

    def write(self, layer, rows):
        if rows.shape != self.shape:
            _fail(f"attention of layer {layer}", f"shape {list(rows.shape)}", str(list(self.shape)))
        beyond = np.arange(self.shape[2])[None, :] > self.steps[:, None]
        for head in range(self.shape[0]):
            weights = np.where(beyond, np.float32(np.nan), rows[head].astype(np.float32))
            self._check(layer, head, weights)
            stored = _encode_u8(weights) if self.encoding == "u8" else weights.astype(_ENCODINGS[self.encoding])
            for first in range(0, self.shape[1], _CHUNK_STEPS):  # what no step of a chunk reaches is not stored
                last = min(first + _CHUNK_STEPS, self.shape[1])
                reach = int(self.steps[last - 1]) + 1
                self.weight[layer, head, first:last, :reach] = stored[first:last, :reach]
            self._write_pyramid(layer, head, code_table()[stored] if self.encoding == "u8" else stored.astype(np.float32))

    def _check(self, layer, head, weights):
        sums = np.nansum(weights, axis=1, dtype=np.float64)
        wrong = np.flatnonzero(~(np.abs(sums - 1) <= _SUM_TOLERANCE) | (np.nan_to_num(weights) < 0).any(axis=1))
        if len(wrong):
            step = wrong[0]
            _fail(f"attention of layer {layer}, head {head}, step {self.steps[step]}",
                  f"weights from {np.nanmin(weights[step]) if np.isfinite(weights[step]).any() else np.nan} that sum to {sums[step]}",
                  "weights from 0 that sum to 1")

    def _write_pyramid(self, layer, head, weights):
        present = ~np.isnan(weights)
        highest, total = np.where(present, weights, -np.inf), np.where(present, weights, np.float32(0))
        count = present.astype(np.uint32)
        for group in self.levels:
            highest, total, count = _by_four(highest, np.max, -np.inf), _by_four(total, np.sum, 0), _by_four(count, np.sum, 0)
            group["max"][layer, head] = np.where(count > 0, highest, np.nan)
            group["sum"][layer, head] = total
            group["count"][layer, head] = count

    def finish(self):
        """The NeXus chain by which generic viewers open a plot."""
        root, file = self.levels[-1].name, self.file
        file.attrs["NX_class"], file.attrs["default"] = _fixed("NXroot"), _fixed("entry")
        entry = file.create_group("/entry")
        entry.attrs["NX_class"], entry.attrs["default"] = _fixed("NXentry"), _fixed("overview")
        overview = entry.create_group("overview")
        overview.attrs["NX_class"], overview.attrs["signal"] = _fixed("NXdata"), _fixed("max")
        overview.attrs["axes"] = np.array([b"layer", b"head", b"step", b"position"])
        self.levels[-1]["max"].attrs["interpretation"] = _fixed("image")
        for name, target in (("max", root + "/max"), ("layer", "/attention/layer"), ("head", "/attention/head"),
                             ("step", root + "/step"), ("position", root + "/position")):
            overview[name] = h5py.SoftLink(target)


def _pyramid_levels(steps, positions):
    levels = 1
    while max(-(-steps // 4 ** levels), -(-positions // 4 ** levels)) > _LARGEST_COARSE:
        levels += 1
    return levels


def _by_four(cells, reduce, absent):
    """Blocks of 4 x 4, the last ones filled up with `absent`."""
    rows, cols = -(-cells.shape[0] // 4), -(-cells.shape[1] // 4)
    padded = np.full((rows * 4, cols * 4), absent, cells.dtype)
    padded[:cells.shape[0], :cells.shape[1]] = cells
    return reduce(padded.reshape(rows, 4, cols, 4), axis=(1, 3)).astype(cells.dtype)


class _KvWriter:
    def __init__(self, file, name, plan, encoding):
        model = plan["model"]
        self.name, self.shape = name, (model["kv_heads"], plan["tokens"], model["head_dim"])
        # Beside f32 weights the rows stay f32, so that nothing is lost.
        kind = _ENCODINGS["f32" if encoding == "f32" else "f16"]
        self.dataset = file.create_dataset(f"/{name}/{name}", (len(plan["layers"]), *self.shape), kind, fillvalue=np.nan,
                                           chunks=(1, 1, min(_KV_CHUNK_ROWS, plan["tokens"]), model["head_dim"]))

    def write(self, layer, rows):
        if rows.shape != self.shape:
            _fail(f"{self.name} rows of layer {layer}", f"shape {list(rows.shape)}", str(list(self.shape)))
        if not np.isfinite(rows).all():
            _fail(f"{self.name} rows of layer {layer}", "a number that is not finite", "finite ones")
        self.dataset[layer] = rows
