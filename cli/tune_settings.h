#pragma once
// What a search compares: settings of a space, each with as many rows as the budget allows, and
// whole specs beside them.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cache/policies.h"
#include "cli/search_space.h"

namespace dendrokv {

class TuneSettings {
 public:
  /// Bytes of the whole cache. Throws Error of a policy that bounds no lane.
  using BytesOf = std::function<uint64_t(const PolicyChoice& policy)>;

  TuneSettings(SearchSpace space, uint64_t budget_bytes, BytesOf bytes_of);

  /// Those of the space that the policy takes. Throws Error, about `subject`, when there is none.
  void add_space(const std::string& subject);
  /// A whole spec, with budget or map. Throws Error when it takes more bytes than the budget.
  void add_candidate(const std::string& spec);
  /// What the others have to beat; last in the list unless it is one of them. Its place.
  size_t add_baseline(const PolicyChoice& policy);
  /// The places of the settings between `setting` and its neighbours in the space that were not
  /// there before; none for a candidate.
  std::vector<size_t> add_between(size_t setting);
  /// The paper's 4 + 508 + 512 of 1,024 rows, at the budget.
  std::string paper_spec() const;

  // full, every default written out
  const std::vector<std::string>& specs() const { return specs_; }
  /// As people read it: "recent=1/4,scope=8".
  const std::string& name(size_t setting) const { return names_[setting]; }
  /// As it was when it was added: its budget map may have changed since.
  const PolicyChoice& policy(size_t setting) const { return policies_[setting]; }
  LaneBudgets lane_budgets() const;
  /// Nothing where lanes are unbounded, as those of a baseline may be.
  std::optional<uint64_t> bytes(size_t setting) const;
  size_t size() const { return specs_.size(); }

 private:
  /// False when it was there before. Throws Error where the policy refuses it.
  bool add(const SettingValues& values);
  bool add(const PolicyChoice& policy, std::string name, SettingValues values);
  std::string largest(const SearchSpace& space, const SettingValues& values) const;

  SearchSpace space_;
  uint64_t budget_;
  BytesOf bytes_of_;
  std::vector<PolicyChoice> policies_;
  std::vector<std::string> specs_, names_;
  std::vector<SettingValues> values_;  // empty where a setting is not of the space
};

}  // namespace dendrokv
