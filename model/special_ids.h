#pragma once
// The tokens with a part to play: what begins a text, what ends it.

#include <cstdint>
#include <set>

#include "model/token_model.h"
#include "model/tokenizer_keys.h"
#include "model/vocabulary.h"

namespace dendrokv {

struct SpecialIds {
  int32_t bos = -1;  // -1 = none
  bool add_bos = false;
  std::set<int32_t> ends;
};

/// Ids of the file, `defaults` where it says nothing. Throws Error: an id outside of the
/// vocabulary, given or by default; a text that shall begin with BOS where there is none; what is
/// not supported: texts that shall end with EOS or a separator.
SpecialIds read_special_ids(const TokenizerKeys& keys, const Gguf& gguf,
                            const Vocabulary& vocabulary, const TokenDefaults& defaults);

}  // namespace dendrokv
