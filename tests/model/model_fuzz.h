#pragma once
// What a fuzzer calls (clang's libFuzzer: compile model_fuzz.cpp and model/ with
// -fsanitize=fuzzer,address, start from tests/data/gguf), and what the mutation test calls.

#include <cstddef>
#include <cstdint>

/// Reads a whole model from bytes. 0: it was a model, -1: refused by an Error (not worth a place in
/// a corpus). Anything else is a crash.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
