#include "cli/search_space.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr uint64_t kMostRows = 1 << 20;
constexpr size_t kMostSettings = 4096;

bool read_number(std::string_view text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

/// Of "3/8"; nothing when the text is no fraction.
std::optional<double> fraction_of(const std::string& text) {
  const size_t slash = text.find('/');
  uint64_t above = 0, below = 0;
  if (slash == std::string::npos || !read_number(std::string_view(text).substr(0, slash), above) ||
      !read_number(std::string_view(text).substr(slash + 1), below) || below == 0)
    return std::nullopt;
  return static_cast<double>(above) / static_cast<double>(below);
}

std::string value_at(const std::string& value, uint64_t rows) {
  const std::optional<double> fraction = fraction_of(value);
  if (!fraction) return value;
  return std::to_string(std::llround(*fraction * static_cast<double>(rows)));
}

std::string spec_of(const SearchSpace& space, const SettingValues& values, uint64_t rows) {
  std::string spec = space.policy + ":";
  for (size_t key = 0; key < values.size(); ++key)
    spec += space.keys[key].first + "=" + value_at(values[key], rows) + ",";
  return spec + "budget=" + std::to_string(rows);
}

/// The middle of two numbers or fractions on a logarithmic scale; nothing when there is none
/// between them.
std::optional<std::string> middle(const std::string& one, const std::string& other) {
  const auto fraction = fraction_of(one), other_fraction = fraction_of(other);
  if (fraction && other_fraction) {
    const double between = std::sqrt(*fraction * *other_fraction);
    return std::to_string(std::llround(between * 1024)) + "/1024";
  }
  uint64_t low = 0, high = 0;
  if (!read_number(one, low) || !read_number(other, high)) return std::nullopt;
  const auto between = static_cast<uint64_t>(
      std::llround(std::sqrt(static_cast<double>(low) * static_cast<double>(high))));
  if (between == low || between == high) return std::nullopt;
  return std::to_string(between);
}

}  // namespace

const std::string& default_space() {
  static const std::string space =
      "policy treekv\n"
      "sinks 4\n"
      "recent 1/16 1/8 1/4 1/2\n"
      "scope 2 4 8 16\n"
      "score mean value\n";
  return space;
}

SearchSpace parse_space(const std::string& subject, const std::string& text) {
  SearchSpace space;
  std::istringstream lines(text);
  size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    std::string key, value;
    if (!(words >> key)) continue;
    const std::string where = subject + " line " + std::to_string(number);
    std::vector<std::string> values;
    while (words >> value) values.push_back(value);
    if (values.empty()) fail(where, "'" + key + "' without a value", "wanted one or more");
    const auto same = [&](const auto& known) { return known.first == key; };
    if (std::ranges::any_of(space.keys, same) || (key == "policy" && !space.policy.empty()))
      fail(where, "'" + key + "' for the second time", "wanted each key once");
    if (key == "budget" || key == "capacity" || key == "budget-map")
      fail(where, "'" + key + "'", "wanted keys that do not change how many rows there are",
           "say the budget with --budget");
    if (key == "policy" && values.size() == 1)
      space.policy = values[0];
    else if (key == "policy")
      fail(where, std::to_string(values.size()) + " policies", "wanted one");
    else
      space.keys.emplace_back(key, values);
  }
  if (space.policy.empty()) fail(subject, "no policy", "wanted a line such as 'policy treekv'");
  return space;
}

std::vector<SettingValues> combinations(const SearchSpace& space) {
  std::vector<SettingValues> all{{}};
  for (const auto& [key, values] : space.keys) {
    std::vector<SettingValues> longer;
    for (const SettingValues& setting : all)
      for (const std::string& value : values) {
        longer.push_back(setting);
        longer.back().push_back(value);
      }
    all = std::move(longer);
    if (all.size() > kMostSettings)
      fail("search space", "more than " + std::to_string(kMostSettings) + " settings",
           "wanted fewer");
  }
  return all;
}

std::vector<SettingValues> between(const SearchSpace& space, const SettingValues& values) {
  std::vector<SettingValues> found;
  for (size_t key = 0; key < values.size(); ++key) {
    const std::vector<std::string>& known = space.keys[key].second;
    const auto place = static_cast<size_t>(std::ranges::find(known, values[key]) - known.begin());
    for (const size_t beside : {place - 1, place + 1}) {
      if (place == known.size() || beside >= known.size()) continue;
      const std::optional<std::string> value = middle(known[place], known[beside]);
      if (!value) continue;
      found.push_back(values);
      found.back()[key] = *value;
    }
  }
  return found;
}

uint64_t rows_within(uint64_t bytes, const std::function<uint64_t(uint64_t rows)>& bytes_of) {
  uint64_t low = 0, high = kMostRows;  // low fits or is refused, high does not fit
  while (high - low > 1) {
    const uint64_t rows = (low + high) / 2;
    bool fits = true;
    try {
      fits = bytes_of(rows) <= bytes;
    } catch (const Error&) {  // too few rows for what is protected: more are wanted
    }
    (fits ? low : high) = rows;
  }
  try {
    if (low > 0 && bytes_of(low) <= bytes) return low;
  } catch (const Error&) {
    if (high == kMostRows) throw;
  }
  const std::string least = std::to_string(bytes_of(high));
  fail("budget of " + std::to_string(bytes) + " bytes",
       "less than the " + least + " of " + std::to_string(high) +
           " rows in each lane, the fewest that the policy takes",
       "wanted at least " + least);
}

std::string spec_within(const SearchSpace& space, const SettingValues& values, uint64_t bytes,
                        const std::function<uint64_t(const std::string& spec)>& bytes_of) {
  return spec_of(space, values, rows_within(bytes, [&](uint64_t rows) {
                   return bytes_of(spec_of(space, values, rows));
                 }));
}

}  // namespace dendrokv
