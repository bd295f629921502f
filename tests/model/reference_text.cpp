#include "tests/model/reference_text.h"

#include <cstring>
#include <stdexcept>

#include "tests/support/files.h"

namespace dendrokv::testing {

const Model& default_model(Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::Exact) {
    static const Model exact = Model::load(default_model(), LoadDepth::Run, Arithmetic::Exact);
    return exact;
  }
  static const Model fast = Model::load(default_model(), LoadDepth::Run, Arithmetic::Fast);
  return fast;
}

std::vector<int32_t> reference_text(size_t count) {
  const std::string bytes = read_text(data_file("tokenizer/persuasion_ids.u16"));
  std::vector<uint16_t> ids(bytes.size() / sizeof(uint16_t));
  if (ids.size() < count) throw std::runtime_error("persuasion_ids.u16 is too short");
  std::memcpy(ids.data(), bytes.data(), ids.size() * sizeof(uint16_t));
  return {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace dendrokv::testing
