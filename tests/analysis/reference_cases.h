#pragma once
// The cases of tests/data/wavelets: a text file of lines of words, and the numbers that they take,
// in order, from an .npy file.

#include <algorithm>
#include <cmath>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/files.h"

namespace dendrokv::testing {

class ReferenceCases {
 public:
  /// `name` without its ending.
  explicit ReferenceCases(const std::string& name)
      : numbers_(read_npy<double>(data_file("wavelets/" + name + ".npy")).values),
        lines_(read_text(data_file("wavelets/" + name + ".txt"))) {}

  /// The words of the next line; empty at the end.
  std::vector<std::string> next_line() {
    std::string line;
    std::vector<std::string> words;
    if (std::getline(lines_, line)) {
      std::istringstream stream(line);
      for (std::string word; stream >> word;) words.push_back(word);
    }
    return words;
  }
  std::span<const double> take(size_t count) {
    const std::span<const double> part = std::span<const double>(numbers_).subspan(taken_, count);
    taken_ += count;
    return part;
  }
  bool all_taken() const { return taken_ == numbers_.size(); }

 private:
  std::vector<double> numbers_;
  std::istringstream lines_;
  size_t taken_ = 0;
};

template <class A>
double largest_magnitude(const A& numbers) {
  double largest = 0;
  for (const auto number : numbers)
    largest = std::max(largest, std::abs(static_cast<double>(number)));
  return largest;
}

template <class A, class B>
double largest_difference(const A& a, const B& b) {
  double largest = a.size() == b.size() ? 0 : 1e300;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return largest;
}

}  // namespace dendrokv::testing
