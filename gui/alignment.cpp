#include "gui/alignment.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "data/error.h"
#include "data/grid.h"

namespace dendrokv {
namespace {

/// Cells of the table of an exact answer: 16 MB at two bytes each.
constexpr size_t kMostCells = size_t{1} << 23;
/// Pieces in a row that are rare enough to tie two long texts together.
constexpr size_t kAnchor = 6;

using Partners = std::vector<std::optional<Position>>;
using Codes = std::vector<uint32_t>;  // equal pieces have equal codes

struct Stretch {
  size_t first_begin, first_end, second_begin, second_end;
  size_t rows() const { return first_end - first_begin; }
  size_t columns() const { return second_end - second_begin; }
};

struct Pair {
  size_t first, second;
};

std::pair<Codes, Codes> codes_of(const TokenText& first, const TokenText& second) {
  std::unordered_map<std::string_view, uint32_t> known;
  const auto coded = [&known](const TokenText& text) {
    Codes codes;
    for (uint32_t p = 0; p < text.id.size(); ++p)
      codes.push_back(
          known.try_emplace(text.piece(Position(p)), static_cast<uint32_t>(known.size()))
              .first->second);
    return codes;
  };
  Codes first_codes = coded(first);
  return {std::move(first_codes), coded(second)};
}

/// Takes equal ends off a stretch.
void trim(const Codes& first, const Codes& second, Stretch& stretch, Partners& partners) {
  while (stretch.rows() > 0 && stretch.columns() > 0 &&
         first[stretch.first_begin] == second[stretch.second_begin])
    partners[stretch.first_begin++] = Position(stretch.second_begin++);
  while (stretch.rows() > 0 && stretch.columns() > 0 &&
         first[stretch.first_end - 1] == second[stretch.second_end - 1])
    partners[--stretch.first_end] = Position(--stretch.second_end);
}

/// The textbook table: longest[i, j] for what follows i and j.
void align_exactly(const Codes& first, const Codes& second, const Stretch& stretch,
                   Partners& partners) {
  const size_t rows = stretch.rows(), columns = stretch.columns();
  Grid<uint16_t> longest(rows + 1, columns + 1, 0);
  for (size_t i = rows; i-- > 0;)
    for (size_t j = columns; j-- > 0;)
      longest(i, j) = first[stretch.first_begin + i] == second[stretch.second_begin + j]
                          ? static_cast<uint16_t>(longest(i + 1, j + 1) + 1)
                          : std::max(longest(i + 1, j), longest(i, j + 1));
  for (size_t i = 0, j = 0; i < rows && j < columns;) {
    if (first[stretch.first_begin + i] == second[stretch.second_begin + j])
      partners[stretch.first_begin + i++] = Position(stretch.second_begin + j++);
    else if (longest(i + 1, j) >= longest(i, j + 1))
      ++i;
    else
      ++j;
  }
}

/// Where runs of kAnchor pieces begin that a stretch has once; by hash of the run.
std::unordered_map<uint64_t, size_t> single_runs(const Codes& codes, size_t begin, size_t end) {
  std::unordered_map<uint64_t, size_t> place, count;
  for (size_t at = begin; at + kAnchor <= end; ++at) {
    uint64_t hash = 0;
    for (size_t k = 0; k < kAnchor; ++k)
      hash = (hash ^ codes[at + k]) * 0x9e3779b97f4a7c15u + (hash >> 31);
    place[hash] = at;
    ++count[hash];
  }
  std::erase_if(place, [&count](const auto& entry) { return count[entry.first] != 1; });
  return place;
}

/// The longest chain of pairs that rises in both, by patience sorting on `second`.
std::vector<Pair> rising(const std::vector<Pair>& pairs) {
  std::vector<size_t> tops, before(pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto pile = std::lower_bound(
        tops.begin(), tops.end(), pairs[i].second,
        [&pairs](size_t top, size_t wanted) { return pairs[top].second < wanted; });
    before[i] = pile == tops.begin() ? i : *std::prev(pile);
    if (pile == tops.end())
      tops.push_back(i);
    else
      *pile = i;
  }
  std::vector<Pair> chain;
  for (size_t left = tops.size(), at = tops.empty() ? 0 : tops.back(); left > 0; --left) {
    chain.push_back(pairs[at]);
    at = before[at];
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

std::vector<Pair> anchors(const Codes& first, const Codes& second, const Stretch& stretch) {
  const auto here = single_runs(first, stretch.first_begin, stretch.first_end);
  const auto there = single_runs(second, stretch.second_begin, stretch.second_end);
  std::vector<Pair> pairs;
  for (const auto& [hash, place] : here)
    if (const auto found = there.find(hash);
        found != there.end() && first[place] == second[found->second])
      pairs.push_back({place, found->second});
  std::sort(pairs.begin(), pairs.end(),
            [](const Pair& a, const Pair& b) { return a.first < b.first; });
  return rising(pairs);
}

/// Stretches that are too long for a table and have no anchor stay unmatched.
void align_stretch(const Codes& first, const Codes& second, Stretch stretch, Partners& partners) {
  trim(first, second, stretch, partners);
  if (stretch.rows() == 0 || stretch.columns() == 0) return;
  const bool small = stretch.rows() < 65535 && stretch.columns() < 65535 &&
                     stretch.rows() * stretch.columns() <= kMostCells;
  if (small) return align_exactly(first, second, stretch, partners);
  Stretch gap{stretch.first_begin, 0, stretch.second_begin, 0};
  const std::vector<Pair> chain = anchors(first, second, stretch);
  if (chain.empty()) return;
  for (const Pair& anchor : chain) {
    if (anchor.first < gap.first_begin || anchor.second < gap.second_begin) continue;
    gap.first_end = anchor.first;
    gap.second_end = anchor.second;
    if (gap.rows() * gap.columns() <= kMostCells) align_stretch(first, second, gap, partners);
    partners[anchor.first] = Position(anchor.second);
    gap.first_begin = anchor.first + 1;
    gap.second_begin = anchor.second + 1;
  }
  gap.first_end = stretch.first_end;
  gap.second_end = stretch.second_end;
  if (gap.rows() * gap.columns() <= kMostCells) align_stretch(first, second, gap, partners);
}

/// [step] the last partner up to it, 0 before the first.
std::vector<Step> last_partner(const Partners& partners) {
  std::vector<Step> steps;
  Step last(0);
  for (const std::optional<Position>& partner : partners) {
    if (partner) last = Step(partner->value);
    steps.push_back(last);
  }
  return steps;
}

}  // namespace

Alignment Alignment::identity(uint32_t tokens) {
  Partners partners;
  for (uint32_t p = 0; p < tokens; ++p) partners.emplace_back(Position(p));
  return {std::move(partners), tokens};
}

Alignment::Alignment(Partners second_of, uint32_t second_tokens)
    : second_of_(std::move(second_of)), first_of_(second_tokens) {
  for (size_t p = 0; p < second_of_.size(); ++p) {
    if (!second_of_[p]) continue;
    DENDROKV_ASSERT(second_of_[p]->index() < first_of_.size());
    first_of_[second_of_[p]->index()] = Position(p);
    ++shared_;
  }
  second_step_ = last_partner(second_of_);
  first_step_ = last_partner(first_of_);
}

std::optional<Position> Alignment::second(Position first) const {
  return second_of_[first.index()];
}

std::optional<Position> Alignment::first(Position second) const {
  return first_of_[second.index()];
}

Alignment align(const TokenText& first, const TokenText& second) {
  const auto [first_codes, second_codes] = codes_of(first, second);
  Partners partners(first_codes.size());
  align_stretch(first_codes, second_codes, {0, first_codes.size(), 0, second_codes.size()},
                partners);
  return {std::move(partners), static_cast<uint32_t>(second_codes.size())};
}

}  // namespace dendrokv
