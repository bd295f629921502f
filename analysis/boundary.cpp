#include "analysis/boundary.h"

#include <algorithm>
#include <string>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, kBoundaries> kNames = {
    "zero",          "constant",    "symmetric",     "reflect",    "periodic", "smooth",
    "antisymmetric", "antireflect", "periodization", "brick-wall", "causal"};

Extension sum_of(std::initializer_list<ExtensionTerm> terms) {
  Extension extension;
  std::ranges::copy(terms, extension.terms.begin());
  extension.count = terms.size();
  return extension;
}

Extension one(int64_t index, double factor = 1) {
  return sum_of({{static_cast<size_t>(index), factor}});
}

/// index = turns * length + place, 0 <= place < length.
struct Turn {
  int64_t turns, place;
  bool odd() const { return turns % 2 != 0; }
};
Turn turn_of(int64_t index, int64_t length) {
  const int64_t place = ((index % length) + length) % length;
  return {(index - place) / length, place};
}

/// Mirrors whose axis is between samples: the image starts with the end itself.
Extension half_sample(int64_t index, int64_t length, double image_factor) {
  const Turn turn = turn_of(index, length);
  return turn.odd() ? one(length - 1 - turn.place, image_factor) : one(turn.place);
}

Extension reflected(int64_t index, int64_t length) {
  if (length == 1) return one(0);
  const Turn turn = turn_of(index, length - 1);
  return one(turn.odd() ? length - 1 - turn.place : turn.place);
}

/// Each turn lifts the signal by last - first; odd turns run backwards below or above an end.
Extension antireflected(int64_t index, int64_t length) {
  if (length == 1) return one(0);
  const Turn turn = turn_of(index, length - 1);
  const auto last = static_cast<size_t>(length - 1);
  const auto lift = static_cast<double>(turn.odd() ? turn.turns + 1 : turn.turns);
  const auto place = static_cast<size_t>(turn.place);
  if (turn.odd()) return sum_of({{last - place, -1}, {0, 2 - lift}, {last, lift}});
  return sum_of({{place, 1}, {0, -lift}, {last, lift}});
}

Extension straight_on(int64_t index, int64_t length) {
  if (length == 1) return one(0);
  const auto last = static_cast<size_t>(length - 1);
  const auto beyond = static_cast<double>(index < 0 ? -index : index - length + 1);
  if (index < 0) return sum_of({{0, 1 + beyond}, {1, -beyond}});
  return sum_of({{last, 1 + beyond}, {last - 1, -beyond}});
}

/// An odd signal has a twin of its last sample, or of its first one where only the past counts.
Extension even_circle(int64_t index, int64_t length, int64_t twin) {
  const int64_t circle = length + length % 2;
  int64_t place = turn_of(index, circle).place;
  if (place == length) place = twin;
  return one(place);
}

}  // namespace

std::string_view boundary_name(Boundary boundary) {
  return kNames[static_cast<size_t>(boundary)];
}

std::array<std::string_view, kBoundaries> boundary_names() {
  return kNames;
}

Boundary parse_boundary(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end())
    fail("boundary '" + std::string(name) + "'", "not known", "wanted a name from the table",
         did_you_mean(name, kNames));
  return static_cast<Boundary>(found - kNames.begin());
}

Extension extended_sample(Boundary boundary, size_t positions, int64_t index) {
  DENDROKV_ASSERT(positions > 0);
  const auto length = static_cast<int64_t>(positions);
  if (index >= 0 && index < length) return one(index);
  switch (boundary) {
    case Boundary::Zero:
      return {};
    case Boundary::Constant:
      return one(index < 0 ? 0 : length - 1);
    case Boundary::Symmetric:
      return half_sample(index, length, 1);
    case Boundary::Reflect:
      return reflected(index, length);
    case Boundary::Periodic:
      return one(turn_of(index, length).place);
    case Boundary::Smooth:
      return straight_on(index, length);
    case Boundary::Antisymmetric:
      return half_sample(index, length, -1);
    case Boundary::Antireflect:
      return antireflected(index, length);
    case Boundary::Periodization:
    case Boundary::BrickWall:
      return even_circle(index, length, length - 1);
    case Boundary::Causal:
      return even_circle(index, length, 0);
  }
  return {};
}

}  // namespace dendrokv
