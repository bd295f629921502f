#pragma once
// The rotary keys of a file.

#include <cstdint>

#include "model/config_keys.h"
#include "model/rotary_table.h"

namespace dendrokv {

/// Base, divisors (rope_freqs.weight) and scaling of the layers that see everything: none, linear
/// or YaRN. Throws Error naming the key: out of range, or a scaling that is not supported.
RotaryShape read_rotary(const Keys& keys, RotaryPairing pairing, uint32_t head_dim,
                        uint32_t context_length);

/// Those of sliding layers that have a base of their own: rope.freq_base_swa, no scaling.
RotaryShape read_sliding_rotary(const Keys& keys, RotaryPairing pairing, uint32_t head_dim);

}  // namespace dendrokv
