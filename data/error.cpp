#include "data/error.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace dendrokv {
namespace {

std::string one_line(const std::string& subject, const std::string& found,
                     const std::string& wanted, const std::string& remedy) {
  std::string line = subject + ": " + found;
  if (!wanted.empty()) line += ", " + wanted;
  if (!remedy.empty()) line += ", " + remedy;
  return line;
}

size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= left.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= right.size(); ++j) {
      const size_t substitution = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitution});
    }
  }
  return row.back();
}

}  // namespace

Error::Error(std::string subject, std::string found, std::string wanted, std::string remedy)
    : std::runtime_error(one_line(subject, found, wanted, remedy)),
      subject_(std::move(subject)),
      found_(std::move(found)),
      wanted_(std::move(wanted)),
      remedy_(std::move(remedy)) {}

void fail(std::string subject, std::string found, std::string wanted, std::string remedy) {
  throw Error(std::move(subject), std::move(found), std::move(wanted), std::move(remedy));
}

std::vector<std::string> nearest_names(std::string_view name,
                                       std::span<const std::string_view> known) {
  std::vector<std::pair<size_t, std::string_view>> ranked;
  for (const std::string_view candidate : known)
    ranked.emplace_back(edit_distance(name, candidate), candidate);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> nearest;
  for (const auto& [distance, candidate] : ranked)
    if (nearest.size() < 3) nearest.emplace_back(candidate);
  return nearest;
}

std::string did_you_mean(std::string_view name, std::span<const std::string_view> known) {
  const std::vector<std::string> nearest = nearest_names(name, known);
  std::string sentence = "did you mean ";
  for (size_t i = 0; i < nearest.size(); ++i) {
    if (i > 0) sentence += i + 1 == nearest.size() ? " or " : ", ";
    sentence += nearest[i];
  }
  return sentence;
}

void assertion_failed(const char* expression, const char* file, int line) {
  throw std::logic_error(std::string("internal error: ") + expression + " does not hold at " +
                         file + ":" + std::to_string(line));
}

}  // namespace dendrokv
