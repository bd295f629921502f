#pragma once
// Discrete Fourier transforms by FFTW. Plans are made once per kind and length, under one lock, and
// shared by all threads: of FFTW only executing is safe from several threads. Linking this part
// puts a program under the GPL (README.md).
//
// Estimated plans are the same in every run, and so are the last bits; measured ones are faster and
// differ. Nothing that is written to files, tests or reports uses the latter.

#include <complex>
#include <cstddef>
#include <memory>
#include <string>

namespace dendrokv {

enum class Planner { Estimate, Measure };

/// "fftw-3.3.10..."
std::string fourier_version();

/// The least 2^a 3^b 5^c 7^d that is not below `length`.
size_t fast_length(size_t length);

/// Memory as aligned as the transforms need it; not initialised.
template <class T>
class FourierBuffer {
 public:
  FourierBuffer() = default;
  explicit FourierBuffer(size_t count);
  T* data() const { return data_.get(); }
  T& operator[](size_t i) const { return data_.get()[i]; }
  size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(T* data) const;
  };
  std::unique_ptr<T, Free> data_;
  size_t size_ = 0;
};

/// Transforms of one length, without any factor. Data of FourierBuffers only, from their start.
template <class Real>
class Fourier {
 public:
  using Complex = std::complex<Real>;

  explicit Fourier(size_t length, Planner planner = Planner::Estimate);

  size_t length() const { return length_; }
  /// out[k] = sum_n in[n] exp(-2 pi i k n / length), k = 0 .. length / 2
  void forward(const FourierBuffer<Real>& in, const FourierBuffer<Complex>& out) const;
  /// out[n] = sum_k in[k] exp(2 pi i k n / length)
  void inverse(const FourierBuffer<Complex>& in, const FourierBuffer<Complex>& out) const;
  /// The same from the first half of a Hermitian spectrum; `in` is destroyed.
  void inverse(const FourierBuffer<Complex>& in, const FourierBuffer<Real>& out) const;

 private:
  size_t length_;
  Planner planner_;
  mutable void *forward_ = nullptr, *inverse_ = nullptr, *inverse_real_ = nullptr;
};

}  // namespace dendrokv
