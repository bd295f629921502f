#include "cli/ranges.h"

#include <charconv>
#include <set>
#include <string_view>

#include "cli/options.h"

namespace dendrokv {
namespace {

bool read_number(std::string_view text, uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

struct Range {
  uint32_t first = 0, last = 0;
};

Range parse_range(const std::string& option, std::string_view text) {
  const size_t dash = text.find('-');
  Range range;
  const bool first_read = read_number(text.substr(0, dash), range.first);
  range.last = range.first;
  const bool last_read =
      dash == std::string_view::npos || read_number(text.substr(dash + 1), range.last);
  if (!first_read || !last_read || range.last < range.first)
    fail_usage(option, "'" + std::string(text) + "'",
               "wanted a number or a rising range, as in 0-3,7");
  return range;
}

}  // namespace

std::vector<uint32_t> parse_ranges(const std::string& option, const std::string& kind,
                                   const std::string& text, uint32_t count) {
  std::set<uint32_t> numbers;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    begin = end + 1;
    const Range range = part == "all" ? Range{0, count - 1} : parse_range(option, part);
    if (range.last >= count)
      fail_usage(option, kind + " " + std::to_string(range.last),
                 "wanted " + kind + "s from 0 to " + std::to_string(count - 1));
    for (uint32_t number = range.first; number <= range.last; ++number) numbers.insert(number);
  }
  return {numbers.begin(), numbers.end()};
}

std::vector<Step> parse_steps(const std::string& option, const std::string& text, uint32_t tokens) {
  constexpr std::string_view kEvery = "every:";
  std::vector<Step> steps;
  if (text == "last") return {Step(tokens - 1)};
  if (text.starts_with(kEvery)) {
    uint32_t stride = 0;
    if (!read_number(std::string_view(text).substr(kEvery.size()), stride) || stride == 0)
      fail_usage(option, "'" + text + "'", "wanted every:K with a whole number K of at least 1");
    for (uint64_t step = 0; step < tokens; step += stride) steps.emplace_back(step);
    return steps;
  }
  for (const uint32_t step : parse_ranges(option, "step", text, tokens)) steps.emplace_back(step);
  return steps;
}

}  // namespace dendrokv
