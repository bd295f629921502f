#!/usr/bin/env python3
"""Decode and prefill speed beside llama.cpp, in one run.

Rounds alternate between the two programs, so that a busy machine slows both; ratios are taken within a round, and medians and
quartiles over the rounds are printed. Both get the same file, thread count, token counts and depths; llama.cpp runs as its Python
package installs it (f16 cache, flash attention off). The ratio of wall times is what counts. With one thread the ratio of processor
times is printed too: it hardly depends on what else the machine does.

    python3 -m venv peer && peer/bin/pip install llama-cpp-python
    peer/bin/python bench/peers/llama_cpp.py --bench build/release/bin/dendrokv-bench --model MODEL.Q4_1.gguf \\
        --make Q4_0,Q8_0,Q4_K_M,Q6_K,F16 --best-layout Q4_0 --threads 1,2

--make has llama.cpp write the named variants of the first model beside it (or into --folder), and measures them as well.
--best-layout compares the first model, in our hands, with that variant of it in llama.cpp's: for Q4_1, which llama.cpp does not
repack, with Q4_0, which it does.

With gcc 12 the AMX kernels of llama.cpp may crash; CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX512=ON -DGGML_AVX512_VNNI=ON ..." leaves them out.
"""

import argparse
import ctypes
import json
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.pop(0)  # this folder: the script has the name of the package
import llama_cpp

FILE_TYPES = {"F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K_M": 12, "Q4_K_M": 15,
              "Q5_K_M": 17, "Q6_K": 18}  # enum llama_ftype
DECODE_TOKENS = 32


def variant_of(model, name, folder):
    """The model in another quantisation, written by llama.cpp unless it is there."""
    path = (folder or model.parent) / f"{model.name.split('.')[0]}.{name}.gguf"
    if path.exists():
        return path
    settings = llama_cpp.llama_model_quantize_default_params()
    settings.ftype = FILE_TYPES[name]
    settings.allow_requantize = True
    if llama_cpp.llama_model_quantize(str(model).encode(), str(path).encode(), ctypes.byref(settings)) != 0:
        sys.exit(f"llama.cpp could not write {path}")
    return path


class Rate:
    """Tokens per second of wall time and of processor time."""

    def __init__(self, tokens, work):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        self.wall = tokens / (time.perf_counter() - wall)
        self.processor = tokens / (time.process_time() - processor)


def measure_llama(model, threads, prefill, depths):
    """Rates of one fresh context, by case: prefill of each length, then decoding at each depth."""
    longest = max([*prefill, *depths]) + DECODE_TOKENS + 8
    context = llama_cpp.Llama(model_path=str(model), n_ctx=longest, n_threads=threads, n_threads_batch=threads, n_batch=512,
                              verbose=False)
    ids = [100 + (7 * i) % 20000 for i in range(longest)]
    context.eval(ids[:16])
    rates = {}
    for tokens in prefill:
        context.reset()
        rates["prefill", tokens] = Rate(tokens, lambda: context.eval(ids[:tokens]))
    for depth in depths:
        context.reset()
        if depth:
            context.eval(ids[:depth])
        rates["decode", depth] = Rate(DECODE_TOKENS, lambda: [context.eval([ids[i]]) for i in range(DECODE_TOKENS)])
    context.close()
    return rates


def measure_ours(bench, model, threads, prefill, depths):
    """The rows of dendrokv-bench by case, and its whole answer."""
    answer = subprocess.run(
        [bench, "engine", "--model", str(model), "--threads", str(threads), "--prefill", ",".join(map(str, prefill)), "--depth",
         ",".join(map(str, depths)), "--json"], check=True, capture_output=True, text=True)
    result = json.loads(answer.stdout)
    rows = {("prefill", row["tokens"]): row for row in result["prefill"]}
    rows.update({("decode", row["depth"]): row for row in result["decode"]})
    return rows, result


def spread(values, digits=2):
    ordered = sorted(values)
    quarter = len(ordered) // 4
    return (f"{statistics.median(ordered):.{digits}f} [{ordered[quarter]:.{digits}f} .. {ordered[-1 - quarter]:.{digits}f}]")


def compare(title, options, ours_model, peer_model, threads):
    rounds = []
    for number in range(options.rounds):
        print(f"{title}, {threads} threads: round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
        rounds.append((*measure_ours(options.bench, ours_model, threads, options.prefill, options.depths),
                       measure_llama(peer_model, threads, options.prefill, options.depths)))
    first = rounds[0][1]
    print(f"\n{title}; isa {first['isa']}, threads {threads}, rounds {options.rounds}; median [quartiles]")
    print(f"memory streams {spread([result['stream_gigabytes_per_second'] for _, result, _ in rounds], 1)} GB/s, "
          f"load {spread([result['load_seconds'] for _, result, _ in rounds])} s")
    header = f"{'case':14}{'dendrokv tokens/s':>26}{'llama.cpp tokens/s':>26}{'ratio':>23}"
    print(header + (f"{'ratio of processor time':>26}" if threads == 1 else "") + f"{'share of memory bound':>24}")
    for case in rounds[0][0]:
        ours = [rows[case] for rows, _, _ in rounds]
        peer = [rates[case] for _, _, rates in rounds]
        line = f"{case[0]} {case[1]:<6}"
        line += f"{spread([row['tokens_per_second'] for row in ours], 1):>26}{spread([rate.wall for rate in peer], 1):>26}"
        line += f"{spread([row['tokens_per_second'] / rate.wall for row, rate in zip(ours, peer)]):>23}"
        if threads == 1:
            ratios = [1 / row["processor_seconds_per_token"] / rate.processor for row, rate in zip(ours, peer)]
            line += f"{spread(ratios):>26}"
        if case[0] == "decode":
            by = "share_of_memory_bound" + ("_by_processor_time" if threads == 1 else "")
            shares = [row[by] for row in ours]
            line += f"{spread(shares):>24}"
        print(line, flush=True)


def numbers(text):
    return [int(number) for number in text.split(",")]


def names(text):
    unknown = [name for name in text.split(",") if name not in FILE_TYPES]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: wanted some of {', '.join(FILE_TYPES)}")
    return text.split(",")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", required=True, help="path of dendrokv-bench")
    parser.add_argument("--model", required=True, type=pathlib.Path, nargs="+", help="GGUF files, each measured")
    parser.add_argument("--make", type=names, default=[], help="variants of the first model to measure too: Q4_0,Q8_0,...")
    parser.add_argument("--best-layout", type=names, default=[], help="variants that llama.cpp may run in place of the first model")
    parser.add_argument("--folder", type=pathlib.Path, help="of the variants; default: beside the first model")
    parser.add_argument("--threads", type=numbers, default=[2], help="1,2")
    parser.add_argument("--prefill", type=numbers, default=[512, 2048])
    parser.add_argument("--depth", type=numbers, default=[0, 1024], dest="depths")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    first = options.model[0]
    models = options.model + [variant_of(first, name, options.folder) for name in options.make]
    pairs = [(f"{model.name} in both", model, model) for model in models]
    for name in options.best_layout:
        peer = variant_of(first, name, options.folder)
        pairs.append((f"{first.name} beside {peer.name} in llama.cpp", first, peer))
    for title, ours, peer in pairs:
        for threads in options.threads:
            compare(title, options, ours, peer, threads)


if __name__ == "__main__":
    main()
