#include "cli/tune_settings.h"

#include <algorithm>

#include "data/error.h"

namespace dendrokv {

TuneSettings::TuneSettings(SearchSpace space, uint64_t budget_bytes, BytesOf bytes_of)
    : space_(std::move(space)), budget_(budget_bytes), bytes_of_(std::move(bytes_of)) {}

void TuneSettings::add_space(const std::string& subject) {
  std::string refusal;
  for (const SettingValues& values : combinations(space_)) {
    try {
      add(values);
    } catch (const Error& error) {
      refusal = error.what();
    }
  }
  if (specs_.empty())
    fail(subject, "no setting that the policy takes: " + refusal, "wanted at least one");
}

void TuneSettings::add_candidate(const std::string& spec) {
  const PolicyChoice choice(spec);
  if (choice.shape().budget == 0)
    fail("candidate '" + spec + "'", "keeps all rows", "wanted a policy with a budget");
  const uint64_t bytes = bytes_of_(choice);
  if (bytes > budget_)
    fail("candidate '" + spec + "'", std::to_string(bytes) + " bytes",
         "wanted at most the budget's " + std::to_string(budget_), "give it fewer rows");
  add(choice, spec, {});
}

size_t TuneSettings::add_baseline(const PolicyChoice& policy) {
  add(policy, "baseline", {});
  return static_cast<size_t>(std::ranges::find(specs_, policy.text()) - specs_.begin());
}

LaneBudgets TuneSettings::lane_budgets() const {
  LaneBudgets budgets;
  for (const PolicyChoice& policy : policies_) budgets.push_back(policy.lane_budget());
  return budgets;
}

std::optional<uint64_t> TuneSettings::bytes(size_t setting) const {
  if (policies_[setting].shape().most_rows == 0) return std::nullopt;
  return bytes_of_(policies_[setting]);
}

std::vector<size_t> TuneSettings::add_between(size_t setting) {
  std::vector<size_t> added;
  const SettingValues from = values_[setting];
  for (const SettingValues& values : between(space_, from)) {
    try {
      if (add(values)) added.push_back(specs_.size() - 1);
    } catch (const Error&) {
      continue;  // the policy refuses what lies between
    }
  }
  return added;
}

std::string TuneSettings::paper_spec() const {
  const SearchSpace paper = parse_space("the paper", "policy treekv\nsinks 4\nrecent 508/1024\n");
  return PolicyChoice(largest(paper, {"4", "508/1024"})).text();
}

std::string TuneSettings::largest(const SearchSpace& space, const SettingValues& values) const {
  return spec_within(space, values, budget_,
                     [this](const std::string& spec) { return bytes_of_(PolicyChoice(spec)); });
}

bool TuneSettings::add(const SettingValues& values) {
  std::string name;
  for (size_t key = 0; key < values.size(); ++key)
    name += (key ? "," : "") + space_.keys[key].first + "=" + values[key];
  return add(PolicyChoice(largest(space_, values)), std::move(name), values);
}

bool TuneSettings::add(const PolicyChoice& policy, std::string name, SettingValues values) {
  const std::string spec = policy.text();
  if (std::ranges::find(specs_, spec) != specs_.end()) return false;
  policies_.push_back(policy);
  specs_.push_back(spec);
  names_.push_back(name.empty() ? space_.policy : std::move(name));
  values_.push_back(std::move(values));
  return true;
}

}  // namespace dendrokv
