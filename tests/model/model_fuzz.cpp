#include "tests/model/model_fuzz.h"

#include <span>

#include "data/error.h"
#include "model/config.h"
#include "model/tokenizer.h"
#include "model/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dendrokv;
  try {
    const Gguf gguf = Gguf::parse("fuzzed.gguf", std::as_bytes(std::span(data, size)));
    const Config config = read_config(gguf);
    const Tokenizer tokenizer(gguf);
    tokenizer.encode("the mutant <|endoftext|> 123", SpecialTokens::Parse);
    check_tensors(gguf, config);
    load_weights(gguf, config, size % 2 == 0 ? Arithmetic::Exact : Arithmetic::Fast);
  } catch (const Error&) {
    return -1;
  }
  return 0;
}
