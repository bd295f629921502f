#include "cache/rotation.h"

#include "cache/row_kernels.h"

namespace dendrokv {
namespace {

constexpr size_t kDigits = 64;

// Without the care for infinities that the operator takes.
std::complex<double> product(std::complex<double> a, std::complex<double> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

}  // namespace

std::span<const std::complex<double>> TurnTable::table_of(size_t digit_place) {
  while (tables_.size() <= digit_place) {
    double places = 1;
    for (size_t i = 0; i < tables_.size(); ++i) places *= kDigits;
    std::vector<std::complex<double>>& table = tables_.emplace_back();
    for (size_t digit = 0; digit < kDigits; ++digit)
      for (const double turn : turns_)
        table.push_back(std::polar(1.0, static_cast<double>(digit) * places * turn));
  }
  return tables_[digit_place];
}

std::span<const std::complex<double>> TurnTable::turns_at(size_t place) {
  const size_t pairs = turns_.size();
  const auto first = table_of(0).subspan(place % kDigits * pairs, pairs);
  at_.assign(first.begin(), first.end());
  size_t digit_place = 1;
  for (size_t rest = place / kDigits; rest > 0; rest /= kDigits, ++digit_place) {
    const auto turns = table_of(digit_place).subspan(rest % kDigits * pairs, pairs);
    for (size_t pair = 0; pair < pairs; ++pair) at_[pair] = product(at_[pair], turns[pair]);
  }
  return at_;
}

void TurnTable::apply(size_t place, std::span<const float> row, std::span<double> out) {
  row_kernels().turn_row(row, turns_at(place), out);
}

}  // namespace dendrokv
