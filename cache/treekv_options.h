#pragma once
// The options of TreeKV: what decides where the paper contradicts itself or is open
// (docs/policies.md).

#include <algorithm>
#include <span>
#include <string>

#include "cache/policy.h"
#include "cache/policy_options.h"
#include "cache/treekv_prefill.h"

namespace dendrokv {

/// Where a scope lies.
enum class TreePick { Cursor, Random, Gap };

/// What a spec says.
struct TreeParameters {
  size_t sinks, recent, capacity, scope, stride;
  bool printed;  // the cursor of the paper's formula
  TreePick pick;
  Tie tie;
  uint64_t seed;
  size_t prompt, block;
  Ragged ragged;
  bool window_competes, start_from_window;

  /// Rows of a prompt that are no part of its blocks: the recent ones, or the window.
  size_t rows_behind_blocks() const { return window_competes ? recent : std::max(recent, block); }
  /// Blocks that are left of a prompt.
  size_t block_places() const {
    const size_t room = capacity + recent;
    return (room - std::min(room, rows_behind_blocks())) / block;
  }
};

TreeParameters tree_parameters(const Spec& spec);

PolicyShape tree_shape(const Spec& spec);
/// PolicyRow::check.
void check_tree(const std::string& subject, const Spec& spec);

}  // namespace dendrokv
