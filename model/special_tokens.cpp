#include "model/special_tokens.h"

#include <algorithm>

namespace dendrokv {

size_t SpecialTokenCutter::start_of(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const auto second = text.size() > 1 ? static_cast<unsigned char>(text[1]) : first;
  return (first * 31u + second) % decltype(OfLength::starts)().size();
}

void SpecialTokenCutter::add(const std::string& text, int32_t id, Recognised recognised) {
  const auto longer = [](const OfLength& group, size_t length) { return group.length > length; };
  auto group = std::lower_bound(groups_.begin(), groups_.end(), text.size(), longer);
  if (group == groups_.end() || group->length != text.size()) {
    group = groups_.emplace(group);
    group->length = text.size();
  }
  group->starts.set(start_of(text));
  group->entries.emplace(text, Entry{id, recognised});
}

void SpecialTokenCutter::cut(std::string_view text, SpecialTokens special,
                             std::vector<Fragment>& fragments) const {
  cut_from(0, text, special, fragments);
}

SpecialTokenCutter::Match SpecialTokenCutter::find(const OfLength& tokens, std::string_view text,
                                                   SpecialTokens special) {
  for (size_t at = 0; at + tokens.length <= text.size(); ++at) {
    const std::string_view here = text.substr(at, tokens.length);
    if (!tokens.starts.test(start_of(here))) continue;
    const auto found = tokens.entries.find(here);
    if (found == tokens.entries.end()) continue;
    if (special == SpecialTokens::Parse || found->second.recognised == Recognised::Always)
      return {at, found->second.id};
  }
  return {};
}

void SpecialTokenCutter::cut_from(size_t group, std::string_view text, SpecialTokens special,
                                  std::vector<Fragment>& fragments) const {
  if (text.empty()) return;
  if (group == groups_.size()) {
    fragments.push_back({text, -1});
    return;
  }
  const OfLength& tokens = groups_[group];
  for (;;) {
    const Match match = find(tokens, text, special);
    cut_from(group + 1, text.substr(0, match.at), special, fragments);
    if (match.id < 0) return;
    fragments.push_back({{}, match.id});
    text.remove_prefix(match.at + tokens.length);
    if (text.empty()) return;
  }
}

}  // namespace dendrokv
