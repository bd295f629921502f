#pragma once
// The table of cache policies: name, summary, options, paper, constructor.

#include <memory>
#include <span>
#include <string_view>

#include "cache/policy.h"

namespace dendrokv {

std::span<const PolicyRow> policy_table();

/// A checked policy spec with its row. Copyable; makes one Policy per lane.
class PolicyChoice {
 public:
  /// "treekv:capacity=512,sinks=4". Throws Error: unknown name or key, value out of range, budget
  /// too small.
  explicit PolicyChoice(std::string_view spec);

  const Spec& spec() const { return spec_; }
  std::string text() const { return spec_.text(); }  // the full spec, every default written out
  const PolicyShape& shape() const { return shape_; }
  std::unique_ptr<Policy> make() const { return row_->make(spec_); }

 private:
  Spec spec_;
  const PolicyRow* row_;
  PolicyShape shape_;
};

}  // namespace dendrokv
