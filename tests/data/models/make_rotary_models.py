#!/usr/bin/env python3
"""Writes the models llama-yarn, llama-yarn-factor and llama-window beside this file, with the logits that transformers computes.

Needs transformers, torch and numpy. Random Llama models of two layers whose weights are float16 numbers, so that the file loses nothing; the
logits are computed in float64 but for what transformers itself does in float32 (norms, softmax, rotary angles). The GGUF file follows the
conventions of llama.cpp's converter: rows of q and k permuted so that rotary pairs are neighbours, norms in float32."""

import math
import pathlib
import struct

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

TOKENS, VOCABULARY, WIDTH, FEED_FORWARD, LAYERS, HEADS, KV_HEADS, HEAD_DIM = 120, 96, 64, 96, 2, 4, 2, 16
SHAPE = dict(vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=FEED_FORWARD, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
             num_key_value_heads=KV_HEADS, head_dim=HEAD_DIM, rms_norm_eps=1e-5, tie_word_embeddings=False, attn_implementation="eager")
F32, F16 = 0, 1


def yarn(theta, **scaling):
    rotary = {"rope_type": "yarn", "rope_theta": theta, "factor": 4.0, "original_max_position_embeddings": 64, **scaling}
    return LlamaForCausalLM, LlamaConfig(**SHAPE, max_position_embeddings=256, rope_parameters=rotary)


def window(size):
    rotary = {"rope_type": "default", "rope_theta": 10000.0}
    return MistralForCausalLM, MistralConfig(**SHAPE, max_position_embeddings=256, sliding_window=size, rope_parameters=rotary)


YARN_KEYS = {"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 4.0, "llama.rope.scaling.original_context_length": 64}
MODELS = {
    # Borders at pairs 2 and 4: pairs on both sides of the ramp and on it; the magnitude is the paper's, 1 + 0.1 ln 4.
    "llama-yarn": (yarn(500.0, beta_fast=2.0, beta_slow=0.5),
                   {**YARN_KEYS, "llama.rope.freq_base": 500.0, "llama.rope.scaling.yarn_beta_fast": 2.0,
                    "llama.rope.scaling.yarn_beta_slow": 0.5}),
    # The usual ramp, and a magnitude of 1.3: the file says by what the paper's is multiplied.
    "llama-yarn-factor": (yarn(10000.0, attention_factor=1.3),
                          {**YARN_KEYS, "llama.rope.freq_base": 10000.0,
                           "llama.rope.scaling.attn_factor": 1.3 / (1 + 0.1 * math.log(4))}),
    # Every layer sees the newest 24 positions, its own among them.
    "llama-window": (window(24), {"llama.rope.freq_base": 10000.0, "llama.attention.sliding_window": 24}),
}


def random_weights(model, seed):
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            spread = 0.2 if "norm" in name else 2.0 if "head" in name or "embed" in name else 1.2
            values = torch.randn(parameter.shape, generator=random, dtype=torch.float64) * spread
            if "norm" in name:
                values += 1
            else:
                values /= math.sqrt(parameter.shape[1]) if "embed" not in name else 2.0
            parameter.copy_(values.to(torch.float16).to(torch.float64))


def neighbours(rows, heads):
    """From rotary pairs half a head apart to neighbours."""
    return rows.reshape(heads, 2, HEAD_DIM // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def tensors(model):
    state = {name: value.numpy() for name, value in model.state_dict().items()}
    yield "token_embd.weight", state["model.embed_tokens.weight"]
    yield "output.weight", state["lm_head.weight"]
    yield "output_norm.weight", state["model.norm.weight"]
    names = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
             "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
             "ffn_down": "mlp.down_proj"}
    for layer in range(LAYERS):
        for ours, theirs in names.items():
            values = state[f"model.layers.{layer}.{theirs}.weight"]
            heads = {"attn_q": HEADS, "attn_k": KV_HEADS}.get(ours)
            yield f"blk.{layer}.{ours}.weight", neighbours(values, heads) if heads else values


def text(string):
    return struct.pack("<Q", len(string)) + string.encode()


def value(number):
    if isinstance(number, str):
        return struct.pack("<I", 8) + text(number)
    return struct.pack("<If", 6, number) if isinstance(number, float) else struct.pack("<II", 4, number)


def write_gguf(path, keys, named):
    named = list(named)
    infos, data = b"", b""
    for name, values in named:
        kind = F32 if values.ndim == 1 else F16
        infos += text(name) + struct.pack("<I", values.ndim) + b"".join(struct.pack("<Q", size) for size in reversed(values.shape))
        infos += struct.pack("<IQ", kind, len(data))
        data += values.astype("<f4" if kind == F32 else "<f2").tobytes()
        data += bytes(-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(named), len(keys))
    head += b"".join(text(key) + value(number) for key, number in keys.items()) + infos
    path.write_bytes(head + bytes(-len(head) % 32) + data)


def main():
    folder = pathlib.Path(__file__).parent
    for seed, (name, ((kind, config), rotary)) in enumerate(MODELS.items(), start=1):
        model = kind(config).double().eval()
        random_weights(model, seed)
        ids = np.random.default_rng(seed).integers(0, VOCABULARY, TOKENS).astype("<i4")
        with torch.no_grad():
            result = model(torch.tensor(ids[None].astype(np.int64)), use_cache=False, output_attentions=True)
        logits = result.logits[0].numpy()
        weights = torch.stack(result.attentions)[:, 0]
        print(f"{name}: standard deviation of logits {logits.std():.2f}, mean largest weight of a row {weights.amax(-1).mean():.2f}, "
              f"weights that are not 0 in the last row {int((weights[0, 0, -1] > 0).sum())}")
        place = folder / name
        place.mkdir(exist_ok=True)
        keys = {"general.architecture": "llama", "general.name": name, "llama.block_count": LAYERS, "llama.context_length": 256,
                "llama.embedding_length": WIDTH, "llama.feed_forward_length": FEED_FORWARD, "llama.attention.head_count": HEADS,
                "llama.attention.head_count_kv": KV_HEADS, "llama.attention.key_length": HEAD_DIM, "llama.attention.value_length": HEAD_DIM,
                "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.vocab_size": VOCABULARY, "llama.rope.dimension_count": HEAD_DIM, **rotary}
        write_gguf(place / "model.gguf", keys, tensors(model))
        np.save(place / "ids.npy", ids)
        np.save(place / "logits.npy", logits.astype("<f4"))


if __name__ == "__main__":
    main()
