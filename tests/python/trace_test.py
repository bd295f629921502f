"""Files between the program and python/dendrokv_trace.py, both ways: python3 trace_test.py PROGRAM MODEL."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import dendrokv_trace as dt

PROGRAM, MODEL = sys.argv[1], sys.argv[2]
TOKENS, LAYERS, HEADS, KV_HEADS, CHANNELS = 70, 3, 4, 2, 8


def program(*arguments):
    return subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, text=True).stdout


def softmax_rows(seed):
    """[layer, head, step, position], zeros above the diagonal, as a PyTorch model gives them."""
    scores = np.random.default_rng(seed).normal(size=(LAYERS, HEADS, TOKENS, TOKENS)) * 2
    scores = np.where(np.tril(np.ones((TOKENS, TOKENS), bool)), scores, -np.inf)
    rows = np.exp(scores - scores.max(-1, keepdims=True))
    return (rows / rows.sum(-1, keepdims=True)).astype(np.float32)


def value_rows(seed):
    return np.random.default_rng(seed).normal(size=(LAYERS, KV_HEADS, TOKENS, CHANNELS)).astype(np.float32)


class InFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def trace(self, name, *options):
        ids = self.path("ids.json")
        pathlib.Path(ids).write_text(json.dumps([(37 * i + 5) % 256 for i in range(TOKENS)]))
        program("trace", "--model", MODEL, "--exact", "--ids", ids, "-o", self.path(name), "--quiet", *options)
        return dt.open(self.path(name))

    def budget_map(self):
        rows = np.arange(12, 18).reshape(2, 3)
        lines = [f"{layer} {lane} {rows[layer, lane]}" for layer in range(2) for lane in range(3)]
        pathlib.Path(self.path("map.txt")).write_text("\n".join(["dendrokv budget map 1", "layers 2 lanes 3", *lines, ""]))
        return rows


class WrittenByTheProgram(InFolder):
    def test_encodings_agree(self):
        with self.trace("f32.h5", "--encoding", "f32", "--with-keys") as f32, self.trace("f16.h5") as f16, \
                self.trace("u8.h5", "--encoding", "u8") as u8:
            self.assertEqual(f32.tokens, TOKENS)
            self.assertEqual(len(f32.pieces), TOKENS)
            self.assertEqual(f32.model["architecture"], "llama")
            for head in range(len(f32.heads)):
                exact = f32.weights(1, head)
                absent = np.isnan(exact)
                np.testing.assert_array_equal(absent, ~np.tril(np.ones((TOKENS, TOKENS), bool)))
                np.testing.assert_allclose(np.nansum(exact, axis=1), 1, atol=1e-5)
                np.testing.assert_array_equal(f16.weights(1, head), exact.astype(np.float16).astype(np.float32))
                # Half a sixteenth of an octave.
                np.testing.assert_allclose(u8.weights(1, head)[~absent], exact[~absent], rtol=2 ** (1 / 32) - 1 + 1e-6, atol=2e-5)
            self.assertEqual(f32.keys(0, 0).shape, f32.values(0, 0).shape)
            self.assertTrue(np.isnan(f32.loss[0]) and np.isfinite(f32.loss[1:]).all())
            with self.assertRaisesRegex(dt.TraceError, "--with-keys"):
                f16.keys(0, 0)

    def test_contribution_is_weight_times_value(self):
        with self.trace("t.h5", "--encoding", "f32") as trace:
            head = len(trace.heads) - 1
            weights, values = trace.weights(0, head, -1), trace.values(0, trace.model["kv_heads"] - 1)
            np.testing.assert_array_equal(trace.contribution(0, head), weights[:, None] * values)

    def test_reductions_are_those_of_the_rows(self):
        with self.trace("r.h5", "--encoding", "f32", "--top-k", "3", "--pool", "16", "--entropy", "--full-rows") as trace:
            self.assertEqual((trace.top_k, trace.pool), (3, 16))
            positions, weights, rest = trace.top(1, 2)
            largest, mass = trace.pools(1, 2)
            for step in range(TOKENS):
                row = trace.weights(1, 2, step)[:step + 1]
                order = np.argsort(-row, kind="stable")[:3]
                np.testing.assert_array_equal(positions[step, :len(order)], order)
                np.testing.assert_array_equal(weights[step, :len(order)], row[order])
                self.assertAlmostEqual(rest[step], row.sum(dtype=float) - row[order].sum(dtype=float), delta=1e-6)
                blocks = [row[first:first + 16] for first in range(0, step + 1, 16)]
                np.testing.assert_array_equal(largest[step, :len(blocks)], [block.max() for block in blocks])
                np.testing.assert_allclose(mass[step, :len(blocks)], [block.sum() for block in blocks], atol=1e-6)
                self.assertTrue(np.isnan(largest[step, len(blocks):]).all())
                entropy = -np.sum(row * np.log(row), dtype=float)
                self.assertAlmostEqual(trace.entropy(1, 2, step), entropy, delta=1e-5)

    def test_a_reduced_trace_says_what_it_lacks(self):
        with self.trace("r.h5", "--top-k", "3") as trace:
            with self.assertRaisesRegex(dt.TraceError, "/attention/weight: not recorded, only top 3 \\+ rest"):
                trace.weights(0, 0)

    def test_runs_follow_their_rules(self):
        self.trace("t.h5").close()
        program("replay", self.path("t.h5"), "--policy", "streaming:budget=20,sinks=2", "-o", self.path("r.h5"), "--quiet")
        with dt.open(self.path("r.h5")) as runs, dt.open(self.path("t.h5")) as trace:
            self.assertEqual(runs.trace_uuid, trace.uuid)
            kept = dt.kept_after(runs.runs[0], TOKENS - 1)
            expected = np.isin(np.arange(TOKENS), [0, 1, *range(TOKENS - 18, TOKENS)])
            np.testing.assert_array_equal(kept, np.broadcast_to(expected, kept.shape))
            self.assertNotIn("lane_budget", runs.runs[0])

    def test_runs_under_a_budget_map_have_its_rows(self):
        self.trace("t.h5").close()
        rows = self.budget_map()
        program("replay", self.path("t.h5"), "--policy", f"streaming:sinks=2,budget-map={self.path('map.txt')}", "-o",
                self.path("m.h5"), "--quiet")
        with dt.open(self.path("m.h5")) as runs:
            np.testing.assert_array_equal(runs.runs[0]["lane_budget"], rows)
            np.testing.assert_array_equal(dt.kept_after(runs.runs[0], TOKENS - 1).sum(axis=-1), rows)

    def test_logits_give_the_loss(self):
        with self.trace("t.h5", "--encoding", "f32") as trace:
            program("logits", "--model", MODEL, "--exact", "--ids", self.path("ids.json"), "-o", self.path("l.h5"), "--quiet")
            with dt.open(self.path("l.h5")) as file:
                logits = file.logits[:-1].astype(np.float64)
                log_sum = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1)
                nll = log_sum - logits[np.arange(TOKENS - 1), file.ids[1:]]
                np.testing.assert_allclose(trace.loss[1:], nll, atol=1e-4)


class ManyTasks(InFolder):
    def texts(self, count):
        names = [self.path(f"{i}.json") for i in range(count)]
        for i, name in enumerate(names):
            pathlib.Path(name).write_text(json.dumps([(37 * t + 11 * i) % 256 for t in range(TOKENS + i)]))
        return names

    def test_members_of_a_set_are_the_files_of_their_own_runs(self):
        texts = self.texts(3)
        program("trace", "--model", MODEL, "--ids", *texts, "-o", self.path("set.h5"), "--quiet")
        program("trace", "--model", MODEL, "--ids", texts[1], "-o", self.path("one.h5"), "--quiet")
        with dt.open(self.path("set.h5")) as members, dt.open(self.path("one.h5")) as own, dt.open(self.path("set.h5/item/1")) as placed:
            self.assertEqual([item["order"] for item in members.items], [0, 1, 2])
            self.assertEqual({item["format"] for item in members.items}, {"dendrokv-trace"})
            self.assertIn("1.json", members.items[1]["task"])
            self.assertEqual([members[i].tokens for i in range(len(members))], [TOKENS, TOKENS + 1, TOKENS + 2])
            for member in (members[1], placed):
                self.assertEqual((member.pieces, member.policy, member.model), (own.pieces, own.policy, own.model))
                np.testing.assert_array_equal(member.ids, own.ids)
                np.testing.assert_array_equal(member.weights(1, 1), own.weights(1, 1))
                np.testing.assert_array_equal(member.contribution(0, 0), own.contribution(0, 0))
                np.testing.assert_array_equal(member.loss, own.loss)
            self.assertTrue(placed.name.endswith("set.h5/item/1"))
            with self.assertRaisesRegex(dt.TraceError, "item/1: /key/key: no keys"):
                placed.keys(0, 0)
            with self.assertRaisesRegex(dt.TraceError, "item 3: not in the set, wanted one of 0, 1, 2"):
                members[3]
        with self.assertRaisesRegex(dt.TraceError, "not in the set"):
            dt.open(self.path("set.h5/item/7"))

    def test_runs_evaluations_and_analyses_open_as_members_too(self):
        texts = self.texts(2)
        program("trace", "--model", MODEL, "--ids", *texts, "--policy", "streaming:budget=20,sinks=2", "-o", self.path("t.h5"), "--quiet")
        program("trace", "--model", MODEL, "--ids", *texts, "-o", self.path("full.h5"), "--quiet")
        program("analyze", self.path("full.h5/item/0"), self.path("full.h5/item/1"), "--levels", "2", "--exclude-first", "2",
                "--exclude-last", "2", "--shard", "0/1", "-o", self.path("a.h5"), "--quiet")
        with dt.open(self.path("t.h5/item/1")) as trace:
            kept = dt.kept_after(trace.run, TOKENS)
            self.assertEqual(set(kept.sum(axis=-1).flat), {20})
        with dt.open(self.path("a.shard-0-of-1.h5")) as analyses:
            self.assertEqual(analyses[1].profile["band"].shape, (2, TOKENS + 1))

    def test_a_failed_task_says_why(self):
        texts = self.texts(2)
        pathlib.Path(texts[1]).write_text("[1, 1000000]")
        program("trace", "--model", MODEL, "--ids", *texts, "--shard", "0/1", "-o", self.path("set.h5"), "--quiet")
        with dt.open(self.path("set.shard-0-of-1.h5")) as members:
            self.assertEqual([item["format"] for item in members.items], ["dendrokv-trace", ""])
            self.assertIn("1000000", members.items[1]["error"])
            with self.assertRaisesRegex(dt.TraceError, "the task failed: .*1000000"):
                members[1]

    def test_tune_holds_what_it_measured(self):
        text, space = self.path("text.txt"), self.path("space.txt")
        pathlib.Path(text).write_text(" ".join(f"the tide came in {i} and went out {i * 7 % 11}" for i in range(60)))
        pathlib.Path(space).write_text("policy treekv\nsinks 1\nrecent 1/4 1/2\nscope 2 4\n")
        rows = self.budget_map()
        answer = json.loads(program("tune", "--model", MODEL, "--text", text, "--space", space, "--budget", "20000", "--piece", "60",
                                    "--pieces", "6", "--candidate", f"streaming:sinks=2,budget-map={self.path('map.txt')}", "-o",
                                    self.path("tune.h5"), "--json", "--quiet"))
        with dt.open(self.path("tune.h5")) as tune:
            self.assertEqual(tune.spec, answer["spec"])
            self.assertIn(tune.spec, tune.settings)
            mapped = [place for place, setting in enumerate(tune.settings) if "budget-map" in setting]
            self.assertEqual(list(tune.lane_budgets), mapped)
            np.testing.assert_array_equal(tune.lane_budgets[mapped[0]], rows)
            self.assertEqual(tune.loss.shape, (len(tune.settings), len(tune.pieces)))
            self.assertEqual(np.isfinite(tune.loss).sum() + tune.held_out_loss.size, answer["cost"])
            np.testing.assert_allclose(tune.held_out_loss.mean(axis=1), tune.mean, rtol=1e-12)
            np.testing.assert_allclose(tune.mean - tune.mean[0], tune.difference, atol=1e-12)
            self.assertTrue((tune.lower <= tune.difference).all() and (tune.difference <= tune.upper).all())
            self.assertEqual([tune.settings[i] for i in tune.finalists], [line["policy"] for line in answer["finalists"]])


class WrittenByPython(InFolder):
    def write(self, name="p.h5", **options):
        self.attention, self.values = softmax_rows(1), value_rows(2)
        arguments = dict(attention=self.attention, values=self.values, tokens=np.arange(TOKENS) + 7,
                         pieces=[f" t{i}" for i in range(TOKENS)], model={"name": "other", "layers": LAYERS})
        arguments.update(options)
        dt.write_trace(self.path(name), **arguments)
        self.assertFalse(os.path.exists(self.path(name) + ".part"))
        return self.path(name)

    def test_info_tells_what_it_is(self):
        for encoding in ("f16", "f32", "u8"):
            facts = json.loads(program("info", self.write(encoding=encoding), "--json"))
            self.assertEqual((facts["kind"], facts["model"], facts["tokens"], facts["layers"], facts["heads"], facts["steps"]),
                             ("trace", "other", TOKENS, LAYERS, HEADS, TOKENS))
            self.assertEqual((facts["encoding"], facts["complete"]), (encoding, True))

    def test_analysis_reads_weights_and_values(self):
        program("analyze", self.write(encoding="f32"), "--signal", "weight", "--levels", "2", "--exclude-first", "2",
                "--exclude-last", "2", "-o", self.path("a.h5"), "--quiet")
        with dt.open(self.path("a.h5")) as analysis:
            mean = self.attention[:, :, -1].mean(axis=(0, 1))
            found = analysis.profile["mean_weight"]
            np.testing.assert_allclose(found[np.isfinite(found)], mean[np.isfinite(found)], rtol=1e-5)
            self.assertGreater(np.isfinite(found).sum(), TOKENS // 2)

    def test_replay_finds_the_token_with_the_least_weight(self):
        """The first eviction of a tree that holds two rows is the duel of positions 0 and 1, decided by their mean weights."""
        program("replay", self.write(encoding="f32"), "--policy", "treekv:capacity=2,sinks=0,recent=0", "-o", self.path("r.h5"), "--quiet")
        with dt.open(self.path("r.h5")) as runs:
            for layer in range(LAYERS):
                for lane in range(KV_HEADS):
                    rows = self.attention[layer, 2 * lane:2 * lane + 2, :3].astype(np.float64).mean(axis=0)
                    means = [rows[:, 0].sum() / 3, rows[1:, 1].sum() / 2]
                    loser = int(np.argmin(means))
                    self.assertEqual(runs.runs[0]["evict_step"][layer, lane, loser], 2)
                    self.assertAlmostEqual(runs.runs[0]["score"][layer, lane, loser], means[loser], delta=1e-6)

    def test_rewriting_a_trace_of_the_program_changes_nothing(self):
        for encoding in ("f16", "f32"):  # rows of u8 no longer sum to 1
            with self.trace("t.h5", "--encoding", encoding, "--with-keys", "--steps", "every:3") as trace:
                rows = [np.stack([trace.weights(l, h) for h in range(len(trace.heads))]) for l in range(len(trace.layers))]
                dt.write_trace(self.path("again.h5"), rows, trace.file["/value/value"][:], trace.ids, trace.pieces, trace.model,
                               steps=trace.steps, keys=trace.file["/key/key"][:], loss=trace.loss, encoding=encoding)
                with h5py.File(self.path("again.h5")) as again:
                    for name in ("/attention/weight", "/attention/step", "/value/value", "/key/key", "/tokens/bytes",
                                 "/tokens/offset", "/loss/nll", "/pyramid/1/max", "/pyramid/1/step"):
                        self.assertEqual(again[name].dtype, trace.file[name].dtype, name)
                        np.testing.assert_array_equal(again[name][:], trace.file[name][:], err_msg=name)
                    self.assertEqual(again["/pyramid/1/sum"].dtype, trace.file["/pyramid/1/sum"].dtype)
                    # The same numbers, added up in another order: the last bit of a float, or now and then that of a half.
                    np.testing.assert_allclose(again["/pyramid/1/sum"][:], trace.file["/pyramid/1/sum"][:],
                                               rtol=1e-3 if encoding == "f16" else 1e-6, atol=1e-7)
                    # The program stores no counts where a step lacks nothing that it can see.
                    self.assertNotIn("/pyramid/1/count", trace.file)
                    seen = np.arange(len(trace.ids))[None, :] <= np.array(trace.steps)[:, None]
                    rows = np.add.reduceat(seen, np.arange(0, seen.shape[0], 4), axis=0, dtype=np.int64)
                    pairs = np.add.reduceat(rows, np.arange(0, seen.shape[1], 4), axis=1)
                    for cells in again["/pyramid/1/count"][:].reshape(-1, *pairs.shape):
                        np.testing.assert_array_equal(cells, pairs)

    def test_the_viewer_chain_leads_to_a_picture(self):
        with h5py.File(self.write()) as file:
            data = file[file.attrs["default"]]
            data = data[data.attrs["default"]]
            self.assertEqual(data[data.attrs["signal"]].ndim, len(data.attrs["axes"]))

    def test_what_does_not_fit_is_refused(self):
        attention, values = softmax_rows(1), value_rows(2)
        half = attention.copy()
        half[1, 2, 40] /= 2
        cases = {"sum to 0.5": dict(attention=half), "shape": dict(values=values[:, :, 0]), "positions": dict(values=values[:, :, 1:]),
                 "rising": dict(layers=[0, 2, 1]), "fewer layers": dict(attention=attention[:2]), "f16": dict(encoding="f64"),
                 "one for each": dict(loss=np.zeros(3)), "colour": dict(model={"layers": LAYERS, "colour": 1})}
        for message, arguments in cases.items():
            with self.subTest(message), self.assertRaisesRegex(dt.TraceError, message):
                self.write(**arguments)
            self.assertEqual(os.listdir(self.folder.name), [])


class Refused(InFolder):
    def test_foreign_newer_and_incomplete_files(self):
        with self.assertRaisesRegex(dt.TraceError, "cannot be opened"):
            dt.open(self.path("none.h5"))
        path = self.path("t.h5")
        self.trace("t.h5").close()
        for name, value, message in (("format_version", 2, "newer"), ("complete", 0, "incomplete"), ("format", "x", "format 'x'")):
            with h5py.File(path, "r+") as file:
                before = file.attrs[name]
                file.attrs[name] = value
            with self.assertRaisesRegex(dt.TraceError, message):
                dt.open(path)
            with h5py.File(path, "r+") as file:
                file.attrs[name] = before


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
