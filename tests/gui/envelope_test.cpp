#include "gui/envelope.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace dendrokv {
namespace {

std::vector<float> noise(size_t count) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> number(-1, 1);
  std::vector<float> values(count);
  for (float& value : values) value = random() % 9 ? number(random) : std::nanf("");
  return values;
}

Envelope::Cell plain(const std::vector<float>& values, size_t first, size_t end) {
  Envelope::Cell cell{std::nanf(""), std::nanf("")};
  for (size_t i = first; i < std::min(end, values.size()); ++i) {
    if (std::isnan(values[i])) continue;
    cell.least = std::isnan(cell.least) ? values[i] : std::min(cell.least, values[i]);
    cell.largest = std::isnan(cell.largest) ? values[i] : std::max(cell.largest, values[i]);
  }
  return cell;
}

void expect_same(const Envelope::Cell& found, const Envelope::Cell& wanted) {
  EXPECT_EQ(std::isnan(found.least), std::isnan(wanted.least));
  if (std::isnan(wanted.least)) return;
  EXPECT_EQ(found.least, wanted.least);
  EXPECT_EQ(found.largest, wanted.largest);
}

TEST(Envelope, EveryRangeIsThatOfThePlainLoop) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{4}, size_t{5}, size_t{63}, size_t{400}}) {
    const std::vector<float> values = noise(count);
    const Envelope envelope(values);
    for (size_t first = 0; first <= count; first += 1 + first / 9)
      for (size_t end = first; end <= count + 3; end += 1 + (end - first) / 7)
        expect_same(envelope.over(first, end), plain(values, first, end));
  }
}

TEST(Envelope, BeforeItsFirstNumberIsNothing) {
  const std::vector<float> tail = noise(90);
  for (const size_t first : {size_t{1}, size_t{4}, size_t{31}, size_t{1000}}) {
    std::vector<float> whole(first, std::nanf(""));
    whole.insert(whole.end(), tail.begin(), tail.end());
    const Envelope envelope(tail, first);
    ASSERT_EQ(envelope.size(), whole.size());
    for (size_t p = 0; p < whole.size(); ++p)
      expect_same({envelope.at(p), envelope.at(p)}, {whole[p], whole[p]});
    for (size_t from = 0; from <= whole.size(); from += 1 + from / 9)
      for (size_t end = from; end <= whole.size() + 3; end += 1 + (end - from) / 7)
        expect_same(envelope.over(from, end), plain(whole, from, end));
    // A number takes its own four bytes and a seventh of a cell of eight, whatever comes before.
    EXPECT_LT(envelope.bytes(), tail.size() * 6);
    EXPECT_GE(envelope.bytes(), tail.size() * sizeof(float));
  }
}

TEST(Envelope, ASingleSpikeIsSeenAtEveryZoom) {
  std::vector<float> values(100'000, 0.0f);
  values[77'777] = 1;
  const Envelope envelope(values);
  for (const size_t columns : {size_t{1}, size_t{13}, size_t{1000}, size_t{1920}}) {
    float most = 0;
    for (const Envelope::Cell& cell : envelope_columns(envelope, 0, 100'000, columns))
      most = std::max(most, cell.largest);
    EXPECT_EQ(most, 1.0f) << columns;
  }
}

TEST(Envelope, ColumnsNarrowerThanAValueRepeatIt) {
  const Envelope envelope(std::vector<float>{1, 2, 3});
  const std::vector<Envelope::Cell> cells = envelope_columns(envelope, 0, 3, 9);
  EXPECT_EQ(cells[1].largest, 1);
  EXPECT_EQ(cells[4].largest, 2);
  EXPECT_EQ(cells[7].largest, 3);
}

}  // namespace
}  // namespace dendrokv
