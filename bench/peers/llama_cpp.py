#!/usr/bin/env python3
"""Decode and prefill speed beside llama.cpp, in one run.

Rounds alternate between the two programs, so that a busy machine slows both; ratios are taken within a round, and medians and
quartiles over the rounds are printed. Both get the same file, thread count, token counts and depths; llama.cpp runs as its Python
package installs it (f16 cache, flash attention off).

    python3 -m venv peer && peer/bin/pip install llama-cpp-python
    peer/bin/python bench/peers/llama_cpp.py --bench build/release/bin/dendrokv-bench --model MODEL.gguf

With gcc 12 the AMX kernels of llama.cpp may crash; CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX512=ON -DGGML_AVX512_VNNI=ON ..." leaves them out.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

sys.path.pop(0)  # this folder: the script has the name of the package
import llama_cpp


def measure_llama(model, threads, prefill_tokens, depths, decode_tokens):
    """Tokens per second of one fresh context: prefill of each length, then decoding at each depth."""
    context = llama_cpp.Llama(
        model_path=model, n_ctx=max([*prefill_tokens, *depths]) + decode_tokens + 8, n_threads=threads,
        n_threads_batch=threads, n_batch=512, verbose=False)
    ids = [100 + (7 * i) % 20000 for i in range(max([*prefill_tokens, *depths]) + 1)]
    context.eval(ids[:16])
    result = {"prefill": {}, "decode": {}}
    for tokens in prefill_tokens:
        context.reset()
        start = time.perf_counter()
        context.eval(ids[:tokens])
        result["prefill"][tokens] = tokens / (time.perf_counter() - start)
    for depth in depths:
        context.reset()
        if depth:
            context.eval(ids[:depth])
        start = time.perf_counter()
        for i in range(decode_tokens):
            context.eval([ids[i]])
        result["decode"][depth] = decode_tokens / (time.perf_counter() - start)
    context.close()
    return result


def measure_ours(bench, model, threads):
    answer = subprocess.run([bench, "engine", "--model", model, "--threads", str(threads), "--json"],
                            check=True, capture_output=True, text=True)
    rows = json.loads(answer.stdout)
    return {"isa": rows["isa"],
            "prefill": {row["tokens"]: row["tokens_per_second"] for row in rows["prefill"]},
            "decode": {row["depth"]: row["tokens_per_second"] for row in rows["decode"]}}


def spread(values):
    ordered = sorted(values)
    quarter = len(ordered) // 4
    return f"{statistics.median(ordered):9.2f}  [{ordered[quarter]:.2f} .. {ordered[-1 - quarter]:.2f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", required=True, help="path of dendrokv-bench")
    parser.add_argument("--model", required=True, help="GGUF file")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--decode-tokens", type=int, default=32)
    options = parser.parse_args()

    rounds = []
    for number in range(options.rounds):
        ours = measure_ours(options.bench, options.model, options.threads)
        peer = measure_llama(options.model, options.threads, list(ours["prefill"]), list(ours["decode"]),
                             options.decode_tokens)
        rounds.append((ours, peer))
        print(f"round {number + 1} of {options.rounds} done", flush=True)

    print(f"isa {rounds[0][0]['isa']}, {options.threads} threads, {options.rounds} rounds: median [quartiles]")
    print("case                dendrokv tokens/s            llama.cpp tokens/s           ratio")
    for kind, unit in (("prefill", "tokens"), ("decode", "depth")):
        for size in rounds[0][0][kind]:
            ours = [a[kind][size] for a, _ in rounds]
            peer = [b[kind][size] for _, b in rounds]
            ratios = [a / b for a, b in zip(ours, peer)]
            print(f"{kind} {unit} {size:5d}  {spread(ours)}   {spread(peer)}   {spread(ratios)}")


if __name__ == "__main__":
    main()
