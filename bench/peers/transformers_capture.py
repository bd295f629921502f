#!/usr/bin/env python3
"""Recording attention beside transformers, in one run.

The same GGUF file in both programs: dendrokv trace, and transformers with output_attentions=True (attn_implementation="eager"), in
float32 and bfloat16, the attentions written with h5py as float16. Two cases: the attention of every row of a prefill, and decoding
token by token behind a context, every new row recorded. Each measurement is a process of its own; rounds alternate between the
programs, so that a busy machine slows all; ratios are taken within a round. Time is counted from the loaded model to the closed
file (ours synced to the disk, the peer's not); memory is the largest resident size of the process, weights included. On a busy
machine look at processor seconds, too: ours are those of the whole process, loading the model included, the peer's not.

    python3 -m venv peer && peer/bin/pip install torch transformers accelerate gguf h5py
    peer/bin/python bench/peers/transformers_capture.py --bin build/release/bin --model MODEL.gguf

The CPU is used only; with pip the package torch brings some gigabytes of libraries for graphics cards along.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

DECODE_BUFFER = 16  # steps that the peer gathers before it writes


def load_peer(model, dtype, threads):
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import torch
    import transformers
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(threads)
    path = pathlib.Path(model).resolve()
    loaded = transformers.AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, dtype=getattr(torch, dtype), attn_implementation="eager")
    return torch, loaded.eval()


def peer_prefill(torch, model, ids, output):
    import h5py
    with torch.inference_mode():
        model(ids[:, :8])
        start = time.perf_counter()
        result = model(ids, output_attentions=True)
        shape = (len(result.attentions), *result.attentions[0].shape[1:])
        with h5py.File(output, "w") as file:
            weight = file.create_dataset("weight", shape, "f2", chunks=(1, 1, min(256, ids.shape[1]), ids.shape[1]))
            for layer, rows in enumerate(result.attentions):
                weight[layer] = rows[0].half().numpy()
        return time.perf_counter() - start


def peer_decode(torch, model, ids, depth, output):
    import h5py
    import numpy as np
    steps = ids.shape[1] - depth
    with torch.inference_mode():
        cache = model(ids[:, :depth], use_cache=True).past_key_values
        start = time.perf_counter()
        with h5py.File(output, "w") as file:
            weight, held = None, []
            for step in range(steps):
                result = model(ids[:, depth + step:depth + step + 1], past_key_values=cache, use_cache=True, output_attentions=True)
                cache = result.past_key_values
                rows = np.full((len(result.attentions), result.attentions[0].shape[1], ids.shape[1]), np.nan, "f2")
                for layer, row in enumerate(result.attentions):
                    rows[layer, :, :row.shape[-1]] = row[0, :, 0].half().numpy()
                if weight is None:
                    weight = file.create_dataset("weight", (*rows.shape[:2], steps, rows.shape[2]), "f2",
                                                 chunks=(1, 1, min(DECODE_BUFFER, steps), rows.shape[2]))
                held.append(rows)
                if len(held) == DECODE_BUFFER or step + 1 == steps:
                    weight[:, :, step + 1 - len(held):step + 1] = np.stack(held, axis=2)
                    held = []
        return time.perf_counter() - start


def work(options):
    """In a process of its own: one measurement of the peer."""
    torch, model = load_peer(options.model, options.worker, options.threads)
    count = options.tokens if options.case == "prefill" else options.depth + options.decode_tokens
    ids = torch.tensor([token_ids(count)])
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        output = os.path.join(folder, "peer.h5")
        before = time.process_time()
        seconds = (peer_prefill(torch, model, ids, output) if options.case == "prefill"
                   else peer_decode(torch, model, ids, options.depth, output))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "processor_seconds": time.process_time() - before, "mebibytes": peak / 1024}))


def token_ids(count):
    return [100 + (7 * i) % 20000 for i in range(count)]


def run(command):
    """Standard output of a command, its processor seconds and its largest resident size in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return text, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure_peer(options, dtype, case, tokens):
    command = [sys.executable, os.path.abspath(__file__), "--worker", dtype, "--case", case, "--tokens", str(tokens)]
    for name in ("bin", "model", "threads", "depth", "decode_tokens", "folder"):
        command += ["--" + name.replace("_", "-"), str(getattr(options, name))]
    return json.loads(run(command)[0].splitlines()[-1])


def measure_ours(options, case, tokens):
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        count = tokens if case == "prefill" else options.depth + options.decode_tokens
        ids, output = os.path.join(folder, "ids.json"), os.path.join(folder, "ours.h5")
        pathlib.Path(ids).write_text(json.dumps(token_ids(count)))
        command = [os.path.join(options.bin, "dendrokv"), "trace", "--model", options.model, "--ids", ids, "-o", output,
                   "--threads", str(options.threads), "--json", "--quiet"]
        text, processor, peak = run(command)
        return {"seconds": json.loads(text)["seconds"], "processor_seconds": processor, "mebibytes": peak}


def measure_our_decode(options):
    text, _, peak = run([os.path.join(options.bin, "dendrokv-bench"), "trace", "--model", options.model, "--threads",
                      str(options.threads), "--prefill", "64", "--depth", str(options.depth), "--json"])
    rate = json.loads(text)["decode_traced_tokens_per_second"]
    return {"seconds": options.decode_tokens / rate, "processor_seconds": float("nan"), "mebibytes": peak}


def report(case, rounds, names):
    print(f"\n{case}: median of {len(rounds)} rounds")
    for name in names:
        seconds = statistics.median(row[name]["seconds"] for row in rounds)
        processor = statistics.median(row[name]["processor_seconds"] for row in rounds)
        memory = statistics.median(row[name]["mebibytes"] for row in rounds)
        ratios = sorted(row[name]["seconds"] / row["dendrokv"]["seconds"] for row in rounds)
        print(f"  {name:24s} {seconds:8.3f} s  {processor:8.3f} processor s  {memory:7.0f} MiB   time {statistics.median(ratios):6.2f} x"
              f" [{ratios[0]:.2f} .. {ratios[-1]:.2f}], memory"
              f" {memory / statistics.median(row['dendrokv']['mebibytes'] for row in rounds):5.2f} x of dendrokv's")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True, help="folder of dendrokv and dendrokv-bench")
    parser.add_argument("--model", required=True, help="GGUF file")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=1024, help="of the prefill")
    parser.add_argument("--depth", type=int, default=1024, help="of the context while decoding")
    parser.add_argument("--decode-tokens", type=int, default=64)
    parser.add_argument("--folder", default=None, help="for the files; default: the temporary folder")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--case", default="prefill", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.folder = options.folder or tempfile.gettempdir()
    if options.worker:
        return work(options)

    types = ("float32", "bfloat16")
    names = ["dendrokv", *("transformers " + dtype for dtype in types)]
    for case in ("prefill", "decode"):
        rounds = []
        for number in range(options.rounds):
            row = {"dendrokv": measure_ours(options, case, options.tokens) if case == "prefill" else measure_our_decode(options)}
            row.update({"transformers " + dtype: measure_peer(options, dtype, case, options.tokens) for dtype in types})
            rounds.append(row)
            print(f"{case}: round {number + 1} of {options.rounds} done", file=sys.stderr, flush=True)
        amount = f"{options.tokens} tokens" if case == "prefill" else f"{options.decode_tokens} tokens at depth {options.depth}"
        report(f"{case} of {amount}, every attention row to disk", rounds, names)


if __name__ == "__main__":
    main()
