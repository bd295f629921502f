#include "model/packed_matrix.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "data/error.h"
#include "model/tensor_types.h"

namespace dendrokv {

namespace {

void check_shapes(std::span<const GgufTensor* const> tensors) {
  DENDROKV_ASSERT(!tensors.empty());
  for (const GgufTensor* tensor : tensors) {
    const TensorType* type = find_tensor_type(tensor->type);
    DENDROKV_ASSERT(type != nullptr && tensor->shape.size() == 2);
    DENDROKV_ASSERT(tensor->shape[0] == tensors.front()->shape[0]);
    DENDROKV_ASSERT(tensor->shape[0] % type->block_values == 0);
    DENDROKV_ASSERT(tensor->data.size() ==
                    tensor->shape[0] / type->block_values * type->block_bytes * tensor->shape[1]);
  }
}

}  // namespace

PackedMatrix PackedMatrix::pack(std::string_view subject, const GgufTensor& tensor,
                                Arithmetic arithmetic) {
  const GgufTensor* one[] = {&tensor};
  return pack_rows(subject, one, arithmetic);
}

PackedMatrix PackedMatrix::pack_rows(std::string_view subject,
                                     std::span<const GgufTensor* const> tensors,
                                     Arithmetic arithmetic) {
  return of_sections(subject, tensors, arithmetic, pack_section);
}

PackedMatrix PackedMatrix::of_sections(std::string_view subject,
                                       std::span<const GgufTensor* const> tensors,
                                       Arithmetic arithmetic, const MakeSection& make) {
  check_shapes(tensors);
  PackedMatrix packed;
  packed.cols_ = tensors.front()->shape[0];
  for (size_t first = 0, end; first < tensors.size(); first = end) {
    const PackedKind kind = packed_kind(tensors[first]->type, arithmetic);
    for (end = first + 1;
         end < tensors.size() && packed_kind(tensors[end]->type, arithmetic) == kind;)
      ++end;
    PackedSection section = make(subject, tensors.subspan(first, end - first), kind);
    section.first_row = packed.rows_;
    section.first_group = packed.groups();
    packed.rows_ += section.rows;
    packed.sections_.push_back(std::move(section));
  }
  return packed;
}

size_t PackedMatrix::groups() const {
  return sections_.empty() ? 0 : sections_.back().first_group + sections_.back().groups();
}

bool PackedMatrix::reads_codes() const {
  return std::ranges::any_of(
      sections_, [](const PackedSection& section) { return layout_of(section.kind).is_coded(); });
}

size_t PackedMatrix::bytes() const {
  size_t bytes = 0;
  for (const PackedSection& section : sections_) bytes += section.groups() * section.group_bytes;
  return bytes;
}

void PackedMatrix::row(size_t row, std::span<float> out) const {
  DENDROKV_ASSERT(row < rows_ && out.size() == cols_);
  auto section = sections_.begin();
  while (row >= section->first_row + section->rows) ++section;
  section->unpack(row - section->first_row, out);
}

}  // namespace dendrokv
