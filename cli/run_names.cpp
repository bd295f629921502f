#include "cli/run_names.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

namespace dendrokv {
namespace {

std::string short_policy(const Run& run) {
  std::string name = run.policy.substr(0, run.policy.find(':'));
  for (const char* key :
       {"cursor=printed", "score=keep-left", "score=keep-right", "score=sum", "score=last"})
    if (run.policy.find(key) != std::string::npos) name += std::string(" ") + key;
  return name;
}

/// "key=value" of a spec, in its order.
std::vector<std::string> options_of(const Run& run) {
  std::vector<std::string> options;
  size_t at = run.policy.find(':');
  while (at != std::string::npos) {
    const size_t end = run.policy.find(',', at + 1);
    options.push_back(run.policy.substr(at + 1, end - at - 1));
    at = end;
  }
  return options;
}

/// Empty where the spec does not have it.
std::string option(const Run& run, std::string_view key) {
  for (const std::string& option : options_of(run))
    if (option.starts_with(key) && option.substr(key.size()).starts_with('=')) return option;
  return {};
}

/// The budget, which says most about a run, then the others.
std::vector<std::string> keys_of(std::span<const Run> runs, std::span<const size_t> group) {
  std::vector<std::string> keys = {"budget"};
  for (const size_t run : group)
    for (const std::string& option : options_of(runs[run])) {
      std::string key = option.substr(0, option.find('='));
      if (std::ranges::find(keys, key) == keys.end()) keys.push_back(std::move(key));
    }
  return keys;
}

size_t distinct(const std::vector<std::string>& names) {
  return std::set<std::string>(names.begin(), names.end()).size();
}

/// Names of runs that are all called the same so far.
std::vector<std::string> told_apart(std::span<const Run> runs, std::span<const size_t> group,
                                    const std::string& name) {
  std::vector<std::string> names(group.size(), name);
  const auto add_where_it_tells = [&](const auto& addition) {
    std::vector<std::string> longer = names;
    for (size_t i = 0; i < group.size(); ++i)
      if (const std::string more = addition(runs[group[i]]); !more.empty()) longer[i] += " " + more;
    if (distinct(longer) > distinct(names)) names = std::move(longer);
  };
  for (const std::string& key : keys_of(runs, group))
    add_where_it_tells([&](const Run& run) { return option(run, key); });
  add_where_it_tells([](const Run& run) {
    return std::string(run.mode == RunMode::ClosedLoop ? "closed loop" : "open loop");
  });
  std::map<std::string, size_t> seen;
  for (std::string& one : names)
    if (const size_t number = ++seen[one]; number > 1) one += " (" + std::to_string(number) + ")";
  return names;
}

}  // namespace

std::vector<std::string> run_names(std::span<const Run> runs) {
  std::map<std::string, std::vector<size_t>> groups;
  for (size_t run = 0; run < runs.size(); ++run) groups[short_policy(runs[run])].push_back(run);
  std::vector<std::string> names(runs.size());
  for (const auto& [name, group] : groups) {
    const std::vector<std::string> own = told_apart(runs, group, name);
    for (size_t i = 0; i < group.size(); ++i) names[group[i]] = own[i];
  }
  return names;
}

}  // namespace dendrokv
