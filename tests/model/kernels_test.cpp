// Every kernel of every instruction set of this machine: against a plain loop in double, and bit
// for bit against scalar.

#include "model/kernels.h"

#include <bit>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "data/error.h"
#include "data/half.h"
#include "model/activations.h"
#include "model/packed_matrix.h"
#include "model/tensor_types.h"
#include "tests/model/tensors.h"

namespace dendrokv {
namespace {

using testing::every_type;
using testing::kF32;
using testing::kQ4_0;
using testing::kQ4_1;
using testing::kQ8_0;
using testing::OwnedTensor;
using testing::random_tensor;

std::vector<Isa> isas() {
  std::vector<Isa> available;
  for (const std::string_view name : {"scalar", "avx2", "avx512"}) try {
      available.push_back(parse_isa(name));
    } catch (const Error&) {
    }
  return available;
}

std::vector<float> random_floats(size_t size, uint32_t seed, float deviation = 1.0f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> values(size);
  for (float& value : values) value = normal(random);
  return values;
}

// Comparing bits: -0 differs from 0, and NaN would be found.
void expect_same_bits(std::span<const float> found, std::span<const float> wanted,
                      const std::string& what) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(found[i]), std::bit_cast<uint32_t>(wanted[i]))
        << what << " at " << i << ": " << found[i] << " and " << wanted[i];
}

// Runs a computation on every instruction set, wants the bits of scalar, and gives scalar's result.
std::vector<float> on_every_isa(const std::function<std::vector<float>(const Kernels&)>& compute) {
  const std::vector<float> scalar = compute(kernels_for(Isa::Scalar));
  for (const Isa isa : isas())
    expect_same_bits(compute(kernels_for(isa)), scalar, std::string(isa_name(isa)));
  return scalar;
}

// A buffer whose start is `offset` floats past a 64-byte line, and whose end is watched.
class Guarded {
 public:
  Guarded(size_t size, size_t offset)
      : size_(size), offset_(offset), all_(size + offset + 16, kGuard) {}
  std::span<float> span() { return {all_.data() + offset_, size_}; }
  std::vector<float> take() {
    for (size_t i = 0; i < all_.size(); ++i) {
      const bool inside = i >= offset_ && i < offset_ + size_;
      EXPECT_TRUE(inside || all_[i] == kGuard) << "wrote outside at " << i;
    }
    return {all_.begin() + static_cast<long>(offset_),
            all_.begin() + static_cast<long>(offset_ + size_)};
  }

 private:
  static constexpr float kGuard = -12345.0f;
  size_t size_, offset_;
  std::vector<float> all_;
};

TEST(Kernels, NamesAndTable) {
  EXPECT_EQ(parse_isa("scalar"), Isa::Scalar);
  EXPECT_EQ(parse_isa(isa_name(best_isa())), best_isa());
  for (const Isa isa : isas()) EXPECT_EQ(kernels_for(isa).isa, isa);
  try {
    parse_isa("avx513");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean avx512"), std::string::npos);
  }
}

// ---- matrix products

struct Product {
  const PackedMatrix& matrix;
  const std::vector<std::vector<float>>& columns;
};

// [column, row], rows of the groups from first_group on; others keep the guard.
std::vector<float> multiply(const Kernels& kernels, const Product& product, size_t first_group,
                            size_t groups) {
  const size_t count = product.columns.size(), length = product.matrix.cols();
  Activations x(count + 3, length + 64, Arithmetic::Fast);
  x.shape(count, length);
  for (size_t c = 0; c < count; ++c) {
    std::ranges::copy(product.columns[c], x.floats(c).begin());
    if (product.matrix.reads_codes()) kernels.quantise(x.floats(c), x, c);
  }
  // Neither a multiple of 16 nor the number of rows.
  const size_t stride = product.matrix.rows() + 5;
  Guarded out(count * stride, 3);
  kernels.matmul(product.matrix, x, first_group, groups,
                 {out.span().data(), count, product.matrix.rows(), stride});
  return out.take();
}

std::vector<float> multiply(const Kernels& kernels, const Product& product) {
  return multiply(kernels, product, 0, product.matrix.groups());
}

// What quantise leaves of a column, in double.
std::vector<double> as_quantised(const std::vector<float>& column) {
  std::vector<double> values;
  for (size_t first = 0; first < column.size(); first += 32) {
    double largest = 0;
    for (size_t i = first; i < first + 32; ++i)
      largest = std::max(largest, std::fabs(double{column[i]}));
    const double scale = largest / 127;
    for (size_t i = first; i < first + 32; ++i)
      values.push_back(largest > 0 ? scale * std::nearbyint(column[i] / scale) : 0);
  }
  return values;
}

void expect_product(const OwnedTensor& weights, const Product& product) {
  const size_t rows = product.matrix.rows(), cols = product.matrix.cols();
  const std::vector<float> found =
      on_every_isa([&](const Kernels& kernels) { return multiply(kernels, product); });
  for (size_t c = 0; c < product.columns.size(); ++c) {
    const std::vector<float>& column = product.columns[c];
    const bool is_float = !product.matrix.reads_codes();
    const std::vector<double> x =
        is_float ? std::vector<double>(column.begin(), column.end()) : as_quantised(column);
    for (size_t row = 0; row < rows; ++row) {
      double sum = 0, magnitude = 0;
      for (size_t k = 0; k < cols; ++k) {
        sum += double{weights.values[row * cols + k]} * x[k];
        magnitude += std::fabs(double{weights.values[row * cols + k]} * x[k]);
      }
      // Rounding of each addition, and one code off where a value lies on the edge of two.
      const double tolerance = magnitude * (is_float ? 1e-6 : 2e-4) + 1e-6;
      ASSERT_NEAR(found[c * (rows + 5) + row], sum, tolerance) << "column " << c << ", row " << row;
    }
    for (size_t gap = rows; gap < rows + 5; ++gap)
      ASSERT_EQ(found[c * (rows + 5) + gap], -12345.0f) << "wrote behind the rows";
  }
}

std::vector<std::vector<float>> random_columns(size_t count, size_t length, uint32_t seed) {
  std::vector<std::vector<float>> columns;
  for (size_t c = 0; c < count; ++c)
    columns.push_back(random_floats(length, seed + static_cast<uint32_t>(c)));
  return columns;
}

// One, two, three and some blocks of the type; of 32 columns at least, which activations are
// quantised by.
std::vector<size_t> widths_of(uint32_t type) {
  const size_t block = find_tensor_type(type)->block_values;
  if (block == 256) return {256, 512};
  return {32, 64, 96, 576};
}

TEST(Kernels, MatrixProduct) {
  for (const uint32_t type : every_type())
    for (const size_t rows : {1, 16, 31, 33, 80})
      for (const size_t cols : widths_of(type)) {
        SCOPED_TRACE(::testing::Message() << "type " << type << ": " << rows << " x " << cols);
        const OwnedTensor weights = random_tensor(type, rows, cols, 11);
        const PackedMatrix matrix = PackedMatrix::pack("m", weights.tensor, Arithmetic::Fast);
        expect_product(weights, {matrix, random_columns(3, cols, 5)});
      }
}

// Widths that are not a multiple of anything occur with floats only.
TEST(Kernels, FloatMatrixProductOfAnyWidth) {
  for (size_t cols = 1; cols <= 70; ++cols) {
    const OwnedTensor weights = random_tensor(kF32, 35, cols, 11);
    const PackedMatrix matrix = PackedMatrix::pack("m", weights.tensor, Arithmetic::Exact);
    expect_product(weights, {matrix, random_columns(2, cols, 5)});
  }
}

TEST(Kernels, ColumnsDoNotDependOnTheirNumber) {
  for (const uint32_t type : every_type()) {
    const size_t cols = widths_of(type)[0] * 3;
    const OwnedTensor weights = random_tensor(type, 72, cols, 3);
    const PackedMatrix matrix = PackedMatrix::pack("m", weights.tensor, Arithmetic::Fast);
    const auto columns = random_columns(17, cols, 21);
    for (const Isa isa : isas())
      for (size_t count = 1; count <= columns.size(); ++count) {
        const std::vector<std::vector<float>> first(columns.begin(),
                                                    columns.begin() + static_cast<long>(count));
        const auto together = multiply(kernels_for(isa), {matrix, first});
        for (size_t c = 0; c < count; ++c) {
          const auto alone = multiply(kernels_for(isa), {matrix, {columns[c]}});
          expect_same_bits(std::span(together).subspan(c * 77, 72), std::span(alone).first(72),
                           "column " + std::to_string(c) + " of " + std::to_string(count));
        }
      }
  }
}

TEST(Kernels, RowsDoNotDependOnTheSplit) {
  for (const uint32_t type : every_type()) {
    const size_t cols = widths_of(type)[1];
    const OwnedTensor weights = random_tensor(type, 87, cols, 3);
    const PackedMatrix matrix = PackedMatrix::pack("m", weights.tensor, Arithmetic::Fast);
    const auto columns = random_columns(5, cols, 21);
    for (const Isa isa : isas()) {
      const auto whole = multiply(kernels_for(isa), {matrix, columns});
      for (size_t first = 0; first < matrix.groups(); ++first)
        for (size_t groups = 1; first + groups <= matrix.groups(); ++groups) {
          const auto part = multiply(kernels_for(isa), {matrix, columns}, first, groups);
          for (size_t i = 0; i < part.size(); ++i) {
            const size_t row = i % 92;
            const bool inside =
                row >= 16 * first && row < std::min<size_t>(16 * (first + groups), 87);
            ASSERT_EQ(part[i], inside ? whole[i] : -12345.0f) << "row " << row;
          }
        }
    }
  }
}

// A matrix whose sections are stored differently, each with a last group that is not whole.
TEST(Kernels, MatrixProductOfMixedTypes) {
  std::vector<OwnedTensor> parts;
  std::vector<const GgufTensor*> tensors;
  std::vector<float> values;
  for (const auto& [type, rows] :
       {std::pair{kQ4_1, 40}, std::pair{kF32, 3}, std::pair{kQ8_0, 33}, std::pair{kQ4_0, 16}}) {
    parts.push_back(random_tensor(type, static_cast<size_t>(rows), 96, 11));
    values.insert(values.end(), parts.back().values.begin(), parts.back().values.end());
  }
  for (const OwnedTensor& part : parts) tensors.push_back(&part.tensor);
  const PackedMatrix matrix = PackedMatrix::pack_rows("m", tensors, Arithmetic::Fast);
  const auto columns = random_columns(5, 96, 5);
  const std::vector<float> whole = on_every_isa([&](const Kernels& kernels) {
    return multiply(kernels, {matrix, columns});
  });
  size_t first = 0;
  for (const OwnedTensor& part : parts) {
    const PackedMatrix alone = PackedMatrix::pack("m", part.tensor, Arithmetic::Fast);
    const std::vector<float> found = multiply(kernels_for(best_isa()), {alone, columns});
    for (size_t c = 0; c < columns.size(); ++c)
      expect_same_bits(std::span(whole).subspan(c * (matrix.rows() + 5) + first, alone.rows()),
                       std::span(found).subspan(c * (alone.rows() + 5), alone.rows()), "a section");
    first += alone.rows();
  }
}

// The extremes of the codes: sums of products must not saturate on any instruction set.
TEST(Kernels, ExtremeCodes) {
  std::mt19937 random(3);
  for (const uint32_t type : every_type()) {
    const size_t cols = find_tensor_type(type)->block_values;
    if (cols == 1) continue;
    for (const auto& [even, odd] : {std::pair{0xFF, 0x00}, std::pair{0x80, 0x7F}}) {
      std::vector<std::byte> bytes(16 * find_tensor_type(type)->block_bytes);
      for (size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::byte>(i * 16 / bytes.size() % 2 == 0 ? even : odd);
      testing::set_halves(type, bytes, random);
      const OwnedTensor weights = testing::tensor_of(type, 16, cols, bytes);
      const PackedMatrix matrix = PackedMatrix::pack("m", weights.tensor, Arithmetic::Fast);
      expect_product(
          weights, {matrix, {std::vector<float>(cols, 127.0f), std::vector<float>(cols, -127.0f)}});
    }
  }
}

TEST(Kernels, QuantiseKeepsScaleCodesAndSum) {
  const std::vector<float> values = random_floats(96, 4);
  for (const Isa isa : isas()) {
    Activations x(3, 96, Arithmetic::Fast);
    x.shape(3, 96);
    kernels_for(isa).quantise(values, x, 1);
    for (size_t block = 0; block < 3; ++block) {
      float largest = 0;
      for (size_t i = 0; i < 32; ++i)
        largest = std::max(largest, std::fabs(values[block * 32 + i]));
      EXPECT_EQ(*x.scales(block, 1), largest / 127.0f);
      int sums[2] = {};
      for (size_t i = 0; i < 32; ++i) {
        const int code = x.codes(block, 1)[i];
        sums[i / 16] += code;
        EXPECT_LE(std::abs(code), 127);
        // Half a code, and the rounding of the reciprocal.
        EXPECT_NEAR(static_cast<float>(code) * (largest / 127), values[block * 32 + i],
                    0.50001 * largest / 127);
      }
      const float scale = *x.scales(block, 1);
      EXPECT_EQ(*x.sums(block, 1), scale * static_cast<float>(sums[0] + sums[1]));
      EXPECT_EQ(*x.offsets(block, 1), -128 * (sums[0] + sums[1]));
      for (size_t half = 0; half < 2; ++half) {
        EXPECT_EQ(x.half_sums(block, 1)[half], scale * static_cast<float>(sums[half]));
        EXPECT_EQ(x.half_offsets(block, 1)[half], -128 * sums[half]);
      }
    }
  }
}

TEST(Kernels, QuantiseOfNothingIsZero) {
  for (const float tiny : {0.0f, 1e-40f, 9e-31f})
    for (const Isa isa : isas()) {
      Activations x(1, 32, Arithmetic::Fast);
      x.shape(1, 32);
      const std::vector<float> values(32, tiny);
      kernels_for(isa).quantise(values, x, 0);
      EXPECT_EQ(*x.scales(0, 0), 0.0f);
      EXPECT_EQ(*x.sums(0, 0), 0.0f);
      EXPECT_EQ(*x.offsets(0, 0), 0);
      for (size_t i = 0; i < 32; ++i) EXPECT_EQ(x.codes(0, 0)[i], 0);
    }
}

// ---- vectors

TEST(Kernels, RmsNorm) {
  for (size_t size = 1; size <= 70; ++size)
    for (const size_t offset : {0, 1, 5}) {
      const auto x = random_floats(size + offset, 1), weight = random_floats(size + offset, 2);
      const auto found = on_every_isa([&](const Kernels& kernels) {
        Guarded out(size, offset);
        kernels.rms_norm(std::span(x).subspan(offset), std::span(weight).subspan(offset), 1e-5f,
                         out.span());
        return out.take();
      });
      double squares = 0;
      for (size_t i = 0; i < size; ++i) squares += double{x[offset + i]} * x[offset + i];
      const double rms = std::sqrt(squares / static_cast<double>(size) + 1e-5);
      for (size_t i = 0; i < size; ++i) {
        const double wanted = x[offset + i] / rms * weight[offset + i];
        ASSERT_NEAR(found[i], wanted, 1e-6 * std::fabs(wanted));  // a few roundings of 6e-8
      }
    }
}

TEST(Kernels, RmsNormMayWriteOverItsInput) {
  const auto weight = random_floats(40, 2);
  for (const Isa isa : isas()) {
    std::vector<float> x = random_floats(40, 1), apart(40);
    kernels_for(isa).rms_norm(x, weight, 1e-5f, apart);
    kernels_for(isa).rms_norm(x, weight, 1e-5f, x);
    expect_same_bits(x, apart, "in place");
  }
}

TEST(Kernels, RotatePairs) {
  for (size_t pairs = 1; pairs <= 35; ++pairs) {
    const auto x = random_floats(2 * pairs, 1);
    std::vector<float> cosine(pairs), sine(pairs);
    for (size_t i = 0; i < pairs; ++i) {
      cosine[i] = std::cos(static_cast<float>(i) + 0.5f);
      sine[i] = std::sin(static_cast<float>(i) + 0.5f);
    }
    const auto found = on_every_isa([&](const Kernels& kernels) {
      Guarded out(2 * pairs, 1);
      kernels.rotate_pairs(x, cosine, sine, out.span());
      return out.take();
    });
    for (size_t i = 0; i < pairs; ++i) {
      const double even = x[2 * i], odd = x[2 * i + 1];
      ASSERT_NEAR(found[2 * i], even * cosine[i] - odd * sine[i], 1e-6);
      ASSERT_NEAR(found[2 * i + 1], even * sine[i] + odd * cosine[i], 1e-6);
    }
  }
}

TEST(Kernels, RotateHalves) {
  for (size_t pairs = 1; pairs <= 35; ++pairs) {
    const auto x = random_floats(2 * pairs, 1), angles = random_floats(pairs, 2);
    std::vector<float> cosine(pairs), sine(pairs);
    for (size_t i = 0; i < pairs; ++i) {
      cosine[i] = std::cos(angles[i]);
      sine[i] = std::sin(angles[i]);
    }
    const auto found = on_every_isa([&](const Kernels& kernels) {
      Guarded out(2 * pairs, 1);
      kernels.rotate_halves(x, cosine, sine, out.span());
      return out.take();
    });
    for (size_t i = 0; i < pairs; ++i) {
      const double low = x[i], high = x[pairs + i];
      ASSERT_NEAR(found[i], low * cosine[i] - high * sine[i], 1e-6);
      ASSERT_NEAR(found[pairs + i], low * sine[i] + high * cosine[i], 1e-6);
    }
  }
}

TEST(Kernels, RotationsMayWriteOverTheirInput) {
  const auto cosine = random_floats(20, 2), sine = random_floats(20, 3);
  for (const Isa isa : isas())
    for (const auto rotate : {kernels_for(isa).rotate_pairs, kernels_for(isa).rotate_halves}) {
      std::vector<float> x = random_floats(40, 1), apart(40);
      rotate(x, cosine, sine, apart);
      rotate(x, cosine, sine, x);
      expect_same_bits(x, apart, "in place");
    }
}

// Two heads a row, rows in any order, others left alone: the bits of widening, turning and rounding
// one after the other.
TEST(Kernels, RotateRows) {
  const std::vector<uint32_t> rows = {4, 0, 3};
  for (const size_t pairs : {4, 8, 20, 32, 35}) {
    const size_t size = 2 * pairs, length = 2 * size;
    const auto keys = random_floats(5 * length, 1);
    Grid<float> cosine(rows.size(), pairs), sine(rows.size(), pairs);
    std::ranges::copy(random_floats(rows.size() * pairs, 2), cosine.all().begin());
    std::ranges::copy(random_floats(rows.size() * pairs, 3), sine.all().begin());
    for (const Isa isa : isas()) {
      const Kernels& kernels = kernels_for(isa);
      std::vector<uint16_t> from(keys.size());
      kernels.to_f16(keys, from.data());
      for (const bool halves : {false, true}) {
        std::vector<uint16_t> found(from.size(), 7), wanted(from.size(), 7);
        for (size_t r = 0; r < rows.size(); ++r)
          for (size_t head = 0; head < 2; ++head) {
            const size_t first = rows[r] * length + head * size;
            std::vector<float> wide(size), turned(size);
            kernels.to_f32(std::span(from).subspan(first, size), wide.data());
            (halves ? kernels.rotate_halves : kernels.rotate_pairs)(wide, cosine.row(r),
                                                                    sine.row(r), turned);
            kernels.to_f16(turned, wanted.data() + first);
          }
        (halves ? kernels.rotate_rows_halves : kernels.rotate_rows_pairs)(
            from.data(), length, rows, cosine.view(), sine.view(), found.data());
        ASSERT_EQ(found, wanted) << isa_name(isa) << " " << pairs;
      }
    }
  }
}

double gelu(double x) {
  return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

TEST(Kernels, GatedGeluUnit) {
  for (size_t size = 1; size <= 70; ++size) {
    const auto gate = random_floats(size, 1, 3.0f), up = random_floats(size, 2);
    const auto found = on_every_isa([&](const Kernels& kernels) {
      Guarded out(size, 2);
      kernels.gated_gelu_unit(gate, up, out.span());
      return out.take();
    });
    for (size_t i = 0; i < size; ++i) {
      // A few roundings of the gate; where GELU goes to 0, 1 + tanh is no finer in double either.
      ASSERT_NEAR(found[i], gelu(gate[i]) * up[i], 4e-7 * std::fabs(gate[i] * up[i])) << gate[i];
    }
  }
}

TEST(Kernels, GatedGeluUnitOfExtremes) {
  const std::vector<float> gate = {-1e30f, -1e12f, -40, -10,   -0.0f, 0,
                                   1e-20f, 10,     40,  1e12f, 1e30f};
  const std::vector<float> up(gate.size(), 1.0f);
  const auto found = on_every_isa([&](const Kernels& kernels) {
    std::vector<float> out(gate.size());
    kernels.gated_gelu_unit(gate, up, out);
    return out;
  });
  for (size_t i = 0; i < gate.size(); ++i) {
    // What the held exponential leaves of -1e30 is 6e-9.
    const double wanted = gelu(gate[i]);
    EXPECT_NEAR(found[i], wanted, gate[i] < 0 ? 1e-8 : 2e-7 * wanted) << gate[i];
  }
}

TEST(Kernels, GatedUnit) {
  for (size_t size = 1; size <= 70; ++size) {
    const auto gate = random_floats(size, 1, 4.0f), up = random_floats(size, 2);
    const auto found = on_every_isa([&](const Kernels& kernels) {
      Guarded out(size, 2);
      kernels.gated_unit(gate, up, out.span());
      return out.take();
    });
    for (size_t i = 0; i < size; ++i) {
      const double wanted = gate[i] / (1 + std::exp(-double{gate[i]})) * up[i];
      ASSERT_NEAR(found[i], wanted, 4e-7 * std::fabs(wanted));
    }
  }
}

// exp, seen through silu: gate / silu(gate) - 1 = exp(-gate). At gates that are large in either
// direction it must stay finite.
TEST(Kernels, GatedUnitOfExtremes) {
  const std::vector<float> gate = {-1e30f, -200, -88, -20, -0.0f, 0, 1e-20f, 20, 88, 200, 1e30f};
  const std::vector<float> up(gate.size(), 1.0f);
  const auto found = on_every_isa([&](const Kernels& kernels) {
    std::vector<float> out(gate.size());
    kernels.gated_unit(gate, up, out);
    return out;
  });
  for (size_t i = 0; i < gate.size(); ++i) {
    const double wanted = gate[i] / (1 + std::exp(-double{gate[i]}));
    // Below -88 the denominator is held at exp(88); what is left is smaller than any sum can
    // notice, up to -1e30.
    const double tolerance = gate[i] < -80 ? 2e-8 * -gate[i] * 1e-30 : 2e-7 * std::fabs(wanted);
    EXPECT_NEAR(found[i], wanted, tolerance) << gate[i];
  }
}

// Two scores, one of them 0: the ratio of the weights is exp of the other.
TEST(Kernels, ExponentialThroughSoftmax) {
  std::vector<float> points;
  for (float x = -86.9f; x <= 0; x += 0.0137f) points.push_back(x);
  double worst = 0;
  for (const float x : points) {
    const auto found = on_every_isa([&](const Kernels& kernels) {
      std::vector<float> scores = {0.0f, x};
      kernels.softmax(scores);
      return scores;
    });
    const double wanted = std::exp(double{x}) / (1 + std::exp(double{x}));
    worst = std::max(worst, std::fabs(found[1] / wanted - 1));
  }
  EXPECT_LT(worst, 4e-7);  // exp 1.5e-7, sum, reciprocal and product 6e-8 each
}

TEST(Kernels, Softmax) {
  for (size_t size = 1; size <= 70; ++size)
    for (const float deviation : {0.1f, 3.0f, 30.0f}) {
      const auto scores = random_floats(size, static_cast<uint32_t>(size), deviation);
      const auto found = on_every_isa([&](const Kernels& kernels) {
        Guarded out(size, 3);
        std::ranges::copy(scores, out.span().begin());
        kernels.softmax(out.span());
        return out.take();
      });
      double sum = 0, top = -1e30, found_sum = 0;
      for (const float score : scores) top = std::max(top, double{score});
      for (const float score : scores) sum += std::exp(score - top);
      for (size_t i = 0; i < size; ++i) {
        const double wanted = std::exp(scores[i] - top) / sum;
        // The difference to the largest score is rounded to 2^-24 of itself, and exp makes that
        // relative.
        ASSERT_NEAR(found[i], wanted, (4e-7 + 1.2e-7 * (top - scores[i])) * wanted + 2e-38);
        found_sum += found[i];
      }
      ASSERT_NEAR(found_sum, 1, 1e-6);
    }
}

TEST(Kernels, LogSumExp) {
  for (const size_t size : {1u, 7u, 16u, 17u, 511u, 512u, 513u, 5000u, 49152u})
    for (const float deviation : {0.0f, 3.0f, 300.0f}) {
      const auto scores = random_floats(size, static_cast<uint32_t>(size), deviation);
      const double found = kernels_for(Isa::Scalar).log_sum_exp(scores);
      for (const Isa isa : isas())
        ASSERT_EQ(kernels_for(isa).log_sum_exp(scores), found) << isa_name(isa);
      double sum = 0, top = -1e30;
      for (const float score : scores) top = std::max(top, double{score});
      for (const float score : scores) sum += std::exp(score - top);
      const double wanted = top + std::log(sum);
      // exp and a sum of 32 floats; the difference to the largest score is rounded to 2^-24 of
      // itself.
      ASSERT_NEAR(found, wanted, 6e-7) << size << " " << deviation;
    }
}

TEST(Kernels, LogSumExpOfWhatIsNotFinite) {
  for (const float bad : {NAN, INFINITY, -INFINITY})
    for (const size_t at : {3u, 39u})
      for (const Isa isa : isas()) {
        std::vector<float> scores(40, 1.0f);
        scores[at] = bad;
        EXPECT_TRUE(std::isnan(kernels_for(isa).log_sum_exp(scores))) << bad << " at " << at;
      }
}

TEST(Kernels, SoftmaxOfOneScoreIsOne) {
  for (const Isa isa : isas()) {
    std::vector<float> scores = {-1234.5f};
    kernels_for(isa).softmax(scores);
    EXPECT_EQ(scores[0], 1.0f);
  }
}

TEST(Kernels, SoftmaxOfNothing) {
  for (const Isa isa : isas()) kernels_for(isa).softmax({});
}

// ---- attention

// Rows of a cache in a shuffled order, as f16 and as the floats that those are.
struct Cache {
  size_t dim, stride;
  std::vector<uint16_t> halves;
  std::vector<float> floats;
  std::vector<uint32_t> rows;

  Cache(size_t count, size_t dim_, uint32_t seed) : dim(dim_), stride(dim_ + 3) {
    std::mt19937 random(seed);
    const size_t held = count + 7;
    for (const float value : random_floats(held * stride, seed)) {
      halves.push_back(to_half(value));
      floats.push_back(from_half(halves.back()));
    }
    for (uint32_t row = 0; row < held; ++row) rows.push_back(row);
    std::shuffle(rows.begin(), rows.end(), random);
    rows.resize(count);
  }
};

struct AttentionCase {
  size_t queries, rows, dim;
};

std::vector<AttentionCase> attention_cases() {
  std::vector<AttentionCase> cases;
  for (size_t dim = 1; dim <= 70; ++dim) cases.push_back({2, 5, dim});
  for (size_t rows = 1; rows <= 70; ++rows) cases.push_back({3, rows, 64});
  for (size_t queries = 1; queries <= 9; ++queries) cases.push_back({queries, 37, 80});
  return cases;
}

TEST(Kernels, Scores) {
  for (const auto& [queries, rows, dim] : attention_cases()) {
    SCOPED_TRACE(::testing::Message() << queries << " queries, " << rows << " rows of " << dim);
    const Cache cache(rows, dim, 9);
    const size_t query_stride = dim + 1, out_stride = rows + 2;
    const auto query = random_floats(queries * query_stride, 8);
    const auto compute = [&](const Kernels& kernels, bool half) {
      Guarded out(queries * out_stride, 1);
      const GridView<const float> from(query.data(), queries, dim, query_stride);
      const GridView<float> to(out.span().data(), queries, rows, out_stride);
      if (half) {
        kernels.scores_f16(from, cache.halves.data(), cache.stride, cache.rows, 0.125f, to);
      } else {
        kernels.scores_f32(from, cache.floats.data(), cache.stride, cache.rows, 0.125f, to);
      }
      return out.take();
    };
    const auto found =
        on_every_isa([&](const Kernels& kernels) { return compute(kernels, false); });
    const auto found_half =
        on_every_isa([&](const Kernels& kernels) { return compute(kernels, true); });
    expect_same_bits(found_half, found, "f16 and f32 of the same numbers");
    for (size_t q = 0; q < queries; ++q)
      for (size_t r = 0; r < rows; ++r) {
        double dot = 0;
        for (size_t d = 0; d < dim; ++d)
          dot +=
              double{query[q * query_stride + d]} * cache.floats[cache.rows[r] * cache.stride + d];
        ASSERT_NEAR(found[q * out_stride + r], 0.125 * dot, 2e-6) << "query " << q << ", row " << r;
      }
  }
}

TEST(Kernels, WeightedSum) {
  for (const auto& [queries, rows, dim] : attention_cases()) {
    SCOPED_TRACE(::testing::Message() << queries << " queries, " << rows << " rows of " << dim);
    const Cache cache(rows, dim, 9);
    const size_t weight_stride = rows + 1, out_stride = dim + 2;
    const auto weights = random_floats(queries * weight_stride, 8);
    const auto compute = [&](const Kernels& kernels, bool half) {
      Guarded out(queries * out_stride, 1);
      std::ranges::fill(out.span(), 0.0f);
      const GridView<const float> from(weights.data(), queries, rows, weight_stride);
      const GridView<float> to(out.span().data(), queries, dim, out_stride);
      if (half) {
        kernels.weighted_sum_f16(from, cache.halves.data(), cache.stride, cache.rows, to);
      } else {
        kernels.weighted_sum_f32(from, cache.floats.data(), cache.stride, cache.rows, to);
      }
      return out.take();
    };
    const auto found =
        on_every_isa([&](const Kernels& kernels) { return compute(kernels, false); });
    const auto found_half =
        on_every_isa([&](const Kernels& kernels) { return compute(kernels, true); });
    expect_same_bits(found_half, found, "f16 and f32 of the same numbers");
    for (size_t q = 0; q < queries; ++q)
      for (size_t d = 0; d < dim; ++d) {
        double sum = 0;
        for (size_t r = 0; r < rows; ++r)
          sum += double{weights[q * weight_stride + r]} *
                 cache.floats[cache.rows[r] * cache.stride + d];
        ASSERT_NEAR(found[q * out_stride + d], sum, 1e-5) << "query " << q << ", channel " << d;
      }
  }
}

TEST(Kernels, WeightedSumInTwoPartsHasTheBitsOfOne) {
  const Cache cache(37, 64, 9);
  const auto weights = random_floats(5 * 37, 8);
  for (const Isa isa : isas())
    for (const size_t first : {0, 1, 16, 36}) {
      std::vector<float> whole(5 * 64), parts(5 * 64);
      const auto add = [&](size_t begin, size_t end, std::vector<float>& out) {
        kernels_for(isa).weighted_sum_f16(
            {weights.data() + begin, 5, end - begin, 37}, cache.halves.data(), cache.stride,
            std::span(cache.rows).subspan(begin, end - begin), {out.data(), 5, 64});
      };
      add(0, 37, whole);
      add(0, first, parts);
      add(first, 37, parts);
      expect_same_bits(parts, whole, "two parts");
    }
}

TEST(Kernels, MeanOfRows) {
  for (const size_t rows : {1, 2, 3, 9})
    for (size_t columns = 0; columns <= 50; ++columns) {
      const size_t stride = columns + 3;
      const auto weights = random_floats(rows * stride, 4);
      const auto found = on_every_isa([&](const Kernels& kernels) {
        Guarded out(columns, 1);
        kernels.mean_of_rows({weights.data(), rows, columns, stride}, out.span());
        return out.take();
      });
      for (size_t column = 0; column < columns; ++column) {
        double sum = 0;
        for (size_t row = 0; row < rows; ++row) sum += double{weights[row * stride + column]};
        // Of numbers below 1: a rounding for each addition and one of the product.
        ASSERT_NEAR(found[column], sum / static_cast<double>(rows),
                    6e-8 * static_cast<double>(rows + 1));
      }
    }
}

// Queries of a group give what each gives alone.
TEST(Kernels, QueriesDoNotDependOnTheirNumber) {
  const Cache cache(37, 64, 9);
  const auto query = random_floats(9 * 64, 8);
  for (const Isa isa : isas()) {
    std::vector<float> together(9 * 37), alone(37);
    kernels_for(isa).scores_f16({query.data(), 9, 64}, cache.halves.data(), cache.stride,
                                cache.rows, 1.0f, {together.data(), 9, 37});
    for (size_t q = 0; q < 9; ++q) {
      kernels_for(isa).scores_f16({query.data() + q * 64, 1, 64}, cache.halves.data(), cache.stride,
                                  cache.rows, 1.0f, {alone.data(), 1, 37});
      expect_same_bits(std::span(together).subspan(q * 37, 37), alone, "query");
    }
  }
}

// ---- half floats

TEST(Kernels, HalvesToFloats) {
  std::vector<uint16_t> halves;
  for (uint32_t bits = 0; bits < 0x10000; ++bits)
    if ((bits & 0x7C00) != 0x7C00 || (bits & 0x3FF) == 0)
      halves.push_back(static_cast<uint16_t>(bits));
  std::vector<float> wanted;
  for (const uint16_t half : halves) {
    const int exponent = half >> 10 & 31, mantissa = half & 0x3FF;
    const double magnitude = exponent == 31  ? HUGE_VAL
                             : exponent == 0 ? std::ldexp(mantissa, -24)
                                             : std::ldexp(1024 + mantissa, exponent - 25);
    wanted.push_back(static_cast<float>((half & 0x8000) != 0 ? -magnitude : magnitude));
  }
  const auto found = on_every_isa([&](const Kernels& kernels) {
    std::vector<float> out(halves.size());
    kernels.to_f32(halves, out.data());
    return out;
  });
  expect_same_bits(found, wanted, "half to float");
}

TEST(Kernels, FloatsToHalves) {
  // Each half, the point in the middle of it and the next one, and the floats on either side of
  // that.
  std::vector<float> values;
  for (uint16_t bits = 0; bits < 0x7BFF; ++bits) {
    const float middle = (from_half(bits) + from_half(static_cast<uint16_t>(bits + 1))) / 2;
    for (const float value :
         {from_half(bits), std::nextafter(middle, 0.0f), middle, std::nextafter(middle, 1e9f)}) {
      values.push_back(value);
      values.push_back(-value);
    }
  }
  for (const float value : {65504.0f, 65519.9f, 65520.0f, 1e9f, HUGE_VALF, 1e-8f, 1e-40f})
    values.push_back(value);
  const auto found = on_every_isa([&](const Kernels& kernels) {
    std::vector<uint16_t> out(values.size());
    kernels.to_f16(values, out.data());
    return std::vector<float>(out.begin(), out.end());
  });
  for (size_t i = 0; i < values.size() - 7; i += 8) {
    const auto bits = static_cast<float>(i / 8);
    const float upper = bits + 1, to_even = static_cast<int>(bits) % 2 == 0 ? bits : upper;
    const float wanted[] = {bits, bits, to_even, upper};
    for (size_t j = 0; j < 4; ++j) {
      ASSERT_EQ(found[i + 2 * j], wanted[j]) << values[i + 2 * j];
      ASSERT_EQ(found[i + 2 * j + 1], 0x8000 + wanted[j]) << values[i + 2 * j + 1];
    }
  }
  const std::vector<float> last(found.end() - 7, found.end());
  EXPECT_EQ(last, (std::vector<float>{0x7BFF, 0x7BFF, 0x7C00, 0x7C00, 0x7C00, 0, 0}));
}

}  // namespace
}  // namespace dendrokv
