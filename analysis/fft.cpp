#include "analysis/fft.h"

#include <fftw3.h>
#include <map>
#include <mutex>
#include <new>
#include <tuple>

namespace dendrokv {
namespace {

/// All planning and only planning.
std::mutex planner_mutex;

enum class Kind { Forward, Inverse, InverseReal };

/// The two precisions of FFTW under one name.
template <class Real>
struct Fftw;

template <>
struct Fftw<float> {
  using Plan = fftwf_plan;
  using Complex = fftwf_complex;
  static constexpr auto r2c = fftwf_plan_dft_r2c_1d;
  static constexpr auto c2c = fftwf_plan_dft_1d;
  static constexpr auto c2r = fftwf_plan_dft_c2r_1d;
  static constexpr auto run_r2c = fftwf_execute_dft_r2c;
  static constexpr auto run_c2c = fftwf_execute_dft;
  static constexpr auto run_c2r = fftwf_execute_dft_c2r;
};

template <>
struct Fftw<double> {
  using Plan = fftw_plan;
  using Complex = fftw_complex;
  static constexpr auto r2c = fftw_plan_dft_r2c_1d;
  static constexpr auto c2c = fftw_plan_dft_1d;
  static constexpr auto c2r = fftw_plan_dft_c2r_1d;
  static constexpr auto run_r2c = fftw_execute_dft_r2c;
  static constexpr auto run_c2c = fftw_execute_dft;
  static constexpr auto run_c2r = fftw_execute_dft_c2r;
};

template <class Real>
typename Fftw<Real>::Complex* raw(const FourierBuffer<std::complex<Real>>& buffer) {
  return reinterpret_cast<typename Fftw<Real>::Complex*>(buffer.data());
}

template <class Real>
typename Fftw<Real>::Plan make_plan(Kind kind, size_t length, Planner planner) {
  const FourierBuffer<std::complex<Real>> a(length), b(length);
  const auto n = static_cast<int>(length);
  const unsigned flag = planner == Planner::Measure ? FFTW_MEASURE : FFTW_ESTIMATE;
  auto* reals = reinterpret_cast<Real*>(b.data());
  switch (kind) {
    case Kind::Forward:
      return Fftw<Real>::r2c(n, reals, raw<Real>(a), flag);
    case Kind::Inverse:
      return Fftw<Real>::c2c(n, raw<Real>(a), raw<Real>(b), FFTW_BACKWARD, flag);
    case Kind::InverseReal:
      return Fftw<Real>::c2r(n, raw<Real>(a), reals, flag);
  }
  return nullptr;
}

/// Plans live as long as the program: they are few, and a thread may be using one.
template <class Real>
typename Fftw<Real>::Plan kept_plan(Kind kind, size_t length, Planner planner) {
  static std::map<std::tuple<Kind, size_t, Planner>, typename Fftw<Real>::Plan> plans;
  const std::lock_guard lock(planner_mutex);
  auto& plan = plans[{kind, length, planner}];
  if (!plan) plan = make_plan<Real>(kind, length, planner);
  return plan;
}

template <class Real>
typename Fftw<Real>::Plan plan_of(void* plan) {
  return static_cast<typename Fftw<Real>::Plan>(plan);
}

}  // namespace

std::string fourier_version() {
  return fftw_version;
}

size_t fast_length(size_t length) {
  for (size_t candidate = length;; ++candidate) {
    size_t rest = candidate;
    for (const size_t prime : {2, 3, 5, 7})
      while (rest != 0 && rest % prime == 0) rest /= prime;
    if (rest <= 1) return candidate;
  }
}

template <class T>
FourierBuffer<T>::FourierBuffer(size_t count)
    : data_(static_cast<T*>(fftw_malloc(count * sizeof(T) + sizeof(T)))), size_(count) {
  if (!data_) throw std::bad_alloc();
}

template <class T>
void FourierBuffer<T>::Free::operator()(T* data) const {
  fftw_free(data);
}

template <class Real>
Fourier<Real>::Fourier(size_t length, Planner planner) : length_(length), planner_(planner) {}

template <class Real>
void Fourier<Real>::forward(const FourierBuffer<Real>& in,
                            const FourierBuffer<Complex>& out) const {
  if (!forward_) forward_ = kept_plan<Real>(Kind::Forward, length_, planner_);
  Fftw<Real>::run_r2c(plan_of<Real>(forward_), in.data(), raw<Real>(out));
}

template <class Real>
void Fourier<Real>::inverse(const FourierBuffer<Complex>& in,
                            const FourierBuffer<Complex>& out) const {
  if (!inverse_) inverse_ = kept_plan<Real>(Kind::Inverse, length_, planner_);
  Fftw<Real>::run_c2c(plan_of<Real>(inverse_), raw<Real>(in), raw<Real>(out));
}

template <class Real>
void Fourier<Real>::inverse(const FourierBuffer<Complex>& in,
                            const FourierBuffer<Real>& out) const {
  if (!inverse_real_) inverse_real_ = kept_plan<Real>(Kind::InverseReal, length_, planner_);
  Fftw<Real>::run_c2r(plan_of<Real>(inverse_real_), raw<Real>(in), out.data());
}

template class FourierBuffer<float>;
template class FourierBuffer<double>;
template class FourierBuffer<std::complex<float>>;
template class FourierBuffer<std::complex<double>>;
template class Fourier<float>;
template class Fourier<double>;

}  // namespace dendrokv
