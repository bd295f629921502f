#pragma once
// Pooling of scores along the rows: what lends the neighbours of an attended row its weight.

#include <span>
#include <string_view>

namespace dendrokv {

enum class Pool { None, Mean, Max };
Pool pool_of(std::string_view name);  // "none", "avg", "max"

/// In place: each number becomes the mean or maximum of the `kernel` numbers around it (kernel
/// odd). Beyond the ends the mean counts zeros, as avg_pool1d of PyTorch does.
void pool(std::span<double> numbers, Pool how, size_t kernel);

}  // namespace dendrokv
