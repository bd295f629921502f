#pragma once
// What `dendrokv tune` searches: a policy, and values for some of its keys, as a small text file:
//
//   policy treekv
//   sinks 4
//   recent 1/16 1/8 1/4 1/2      a fraction is one of the rows that the budget allows
//   scope 2 4 8 16
//
// A setting takes one value of each line. Settings that the policy refuses are left out.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace dendrokv {

struct SearchSpace {
  std::string policy;
  // values, in the order of the file
  std::vector<std::pair<std::string, std::vector<std::string>>> keys;
};

/// 4 sinks, parts of recent rows, scopes and scores of a tree: 32 settings.
const std::string& default_space();
/// `subject` names the text in errors. Throws Error: no policy, a key without values or twice, a
/// value that is neither a fraction nor one that the policy knows.
SearchSpace parse_space(const std::string& subject, const std::string& text);

/// The values of one setting, by key of the space.
using SettingValues = std::vector<std::string>;
/// Every combination.
std::vector<SettingValues> combinations(const SearchSpace& space);
/// Those between `values` and its neighbours in the space, one key at a time: the middle of two
/// numbers, halfway on a logarithmic scale.
std::vector<SettingValues> between(const SearchSpace& space, const SettingValues& values);

/// The largest number of rows of each lane whose cache `bytes_of` says to be no more than `bytes`.
/// Fewer rows than a policy protects, which it refuses, count as too few. Throws Error: what the
/// policy refuses at any size, or that its fewest rows take more.
uint64_t rows_within(uint64_t bytes, const std::function<uint64_t(uint64_t rows)>& bytes_of);

/// "treekv:sinks=4,recent=64,scope=8,budget=256": the largest budget whose cache `bytes_of` says to
/// be no more than `bytes`. Throws Error when the policy refuses the values at that size.
std::string spec_within(const SearchSpace& space, const SettingValues& values, uint64_t bytes,
                        const std::function<uint64_t(const std::string& spec)>& bytes_of);

}  // namespace dendrokv
