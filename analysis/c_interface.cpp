#include "analysis/c_interface.h"

#include <algorithm>
#include <array>
#include <complex>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "analysis/coherence.h"
#include "analysis/cwt.h"
#include "analysis/dwt.h"
#include "analysis/haar.h"
#include "analysis/modwt.h"
#include "analysis/parallel.h"
#include "analysis/wavelets.h"
#include "data/error.h"

namespace {

using namespace dendrokv;

thread_local std::string last_error;

/// No exception may pass into C.
template <class Body>
int guarded(const Body& body) {
  try {
    body();
    return 0;
  } catch (const std::exception& error) {
    last_error = error.what();
    return -1;
  }
}

template <class T>
SignalView<T> view_of(const dendrokv_signal& signal) {
  return {
      static_cast<T*>(signal.data), signal.batches,         signal.positions,     signal.channels,
      signal.batch_stride,          signal.position_stride, signal.channel_stride};
}

template <class T>
std::vector<SignalView<T>> views_of(const dendrokv_signal* signals, size_t count) {
  std::vector<SignalView<T>> views;
  for (size_t i = 0; i < count; ++i) views.push_back(view_of<T>(signals[i]));
  return views;
}

Wavelet wavelet_of(const dendrokv_filters& filters) {
  const auto copy = [&](const double* taps) {
    return std::vector<double>(taps, taps + filters.length);
  };
  return custom_wavelet("of the caller", copy(filters.dec_lo), copy(filters.dec_hi),
                        copy(filters.rec_lo), copy(filters.rec_hi));
}

/// Wavelets that were asked for by name, kept so that their filters stay where they are.
const Wavelet& kept_wavelet(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, Wavelet> kept;
  const std::lock_guard lock(mutex);
  const auto found = kept.find(name);
  if (found != kept.end()) return found->second;
  return kept.emplace(name, find_wavelet(name)).first->second;
}

Undecimated kind_of(const std::string& name) {
  constexpr std::array<std::string_view, 3> kNames = {"modwt", "stationary",
                                                      "stationary-normalised"};
  for (size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Undecimated>(i);
  fail("transform '" + name + "'", "not known", "wanted a name from the table",
       did_you_mean(name, kNames));
}

template <class Body>
void with_type(char type, const Body& body) {
  if (type == 'f') return body(float{});
  if (type == 'd') return body(double{});
  fail(std::string("element type '") + type + "'", "not known", "wanted f or d");
}

Cwt cwt_of(const dendrokv_cwt_plan& plan, size_t positions) {
  CwtOptions options;
  options.dt = plan.dt;
  const std::string normalisation = plan.normalisation;
  if (normalisation != "l1" && normalisation != "l2")
    fail("normalisation '" + normalisation + "'", "not known", "wanted l1 or l2");
  if (normalisation == "l1") options.normalisation = Normalisation::L1;
  options.boundary = parse_boundary(plan.boundary);
  options.padded = plan.padded;
  options.mean = plan.keep_mean ? Mean::Keep : Mean::Remove;
  return {parse_continuous_wavelet(plan.wavelet), positions,
          std::vector<double>(plan.scales, plan.scales + plan.scale_count), options};
}

}  // namespace

const char* dendrokv_error(void) {
  return last_error.c_str();
}

const char* dendrokv_wavelet_name(size_t index) {
  const std::vector<std::string_view> names = wavelet_names();
  return index < names.size() ? names[index].data() : nullptr;  // literals: they end with a zero
}

int dendrokv_wavelet_filters(const char* name, dendrokv_filters* filters) {
  return guarded([&] {
    const Wavelet& wavelet = kept_wavelet(name);
    *filters = {wavelet.length(), wavelet.dec_lo.data(), wavelet.dec_hi.data(),
                wavelet.rec_lo.data(), wavelet.rec_hi.data()};
  });
}

int dendrokv_dwt_length(size_t positions, size_t filter_length, const char* boundary,
                        size_t* length) {
  return guarded([&] { *length = dwt_length(positions, filter_length, parse_boundary(boundary)); });
}

int dendrokv_dwt(const dendrokv_filters* filters, const char* boundary, unsigned levels, char type,
                 const dendrokv_signal* signal, const dendrokv_signal* bands, unsigned threads) {
  return guarded([&] {
    const Dwt dwt(wavelet_of(*filters), parse_boundary(boundary), signal->positions, levels,
                  Depth::Any);
    with_type(type, [&](auto zero) {
      using Real = decltype(zero);
      dwt.forward<Real>(view_of<const Real>(*signal), views_of<Real>(bands, levels + size_t{1}),
                        threads);
    });
  });
}

int dendrokv_idwt(const dendrokv_filters* filters, const char* boundary, unsigned levels, char type,
                  const dendrokv_signal* bands, const dendrokv_signal* signal, unsigned threads) {
  return guarded([&] {
    const Dwt dwt(wavelet_of(*filters), parse_boundary(boundary), signal->positions, levels,
                  Depth::Any);
    with_type(type, [&](auto zero) {
      using Real = decltype(zero);
      dwt.inverse<Real>(views_of<const Real>(bands, levels + size_t{1}), view_of<Real>(*signal),
                        threads);
    });
  });
}

int dendrokv_modwt(const dendrokv_filters* filters, const char* kind, unsigned levels,
                   unsigned skipped, char type, const dendrokv_signal* signal,
                   const dendrokv_signal* details, const dendrokv_signal* smooths,
                   unsigned threads) {
  return guarded([&] {
    const Modwt modwt(wavelet_of(*filters), signal->positions, levels, kind_of(kind), skipped);
    with_type(type, [&](auto zero) {
      using Real = decltype(zero);
      modwt.forward<Real>(view_of<const Real>(*signal), views_of<Real>(details, levels),
                          views_of<Real>(smooths, levels), threads);
    });
  });
}

int dendrokv_imodwt(const dendrokv_filters* filters, const char* kind, unsigned levels,
                    unsigned skipped, char type, const dendrokv_signal* details,
                    const dendrokv_signal* smooth, const dendrokv_signal* signal,
                    unsigned threads) {
  return guarded([&] {
    const Modwt modwt(wavelet_of(*filters), signal->positions, levels, kind_of(kind), skipped);
    with_type(type, [&](auto zero) {
      using Real = decltype(zero);
      modwt.inverse<Real>(views_of<const Real>(details, levels), view_of<const Real>(*smooth),
                          view_of<Real>(*signal), threads);
    });
  });
}

int dendrokv_haar_magnitudes(const float* weights, const float* values, size_t heads,
                             size_t positions, size_t channels, unsigned levels, double* out,
                             unsigned threads) {
  return guarded([&] {
    if (levels < 1 || levels > kMostLevels || positions == 0 || channels == 0 ||
        positions % (size_t{1} << levels) != 0)
      fail("profile of " + std::to_string(levels) + " levels",
           std::to_string(positions) + " positions",
           "wanted a multiple of 2^levels, and at most " + std::to_string(kMostLevels) + " levels");
    const size_t blocks = amplitude_count(positions, levels);
    // Neighbours go to one thread: the end of a head asks for the memory of the next.
    const size_t at_a_time = std::clamp<size_t>(heads / (8 * std::max(threads, 1u)), 1, 16);
    for_each_piece((heads + at_a_time - 1) / at_a_time, threads, [&](size_t piece) {
      const size_t end = std::min((piece + 1) * at_a_time, heads);
      for (size_t head = piece * at_a_time; head < end; ++head)
        haar_amplitudes<float>({weights + head * positions, 1, positions},
                               {values + head * positions * channels, positions, channels}, levels,
                               {out + head * blocks, 1, blocks});
    });
  });
}

int dendrokv_cwt(const dendrokv_cwt_plan* plan, char type, const void* signal, size_t positions,
                 void* out, unsigned threads) {
  return guarded([&] {
    const Cwt cwt = cwt_of(*plan, positions);
    with_type(type, [&](auto zero) {
      using Real = decltype(zero);
      cwt.forward<Real>({static_cast<const Real*>(signal), positions},
                        {static_cast<std::complex<Real>*>(out), plan->scale_count, positions},
                        threads);
    });
  });
}

int dendrokv_cwt_power(const dendrokv_cwt_plan* plan, char type, const void* signal,
                       size_t positions, void* out, unsigned threads) {
  return guarded([&] {
    const Cwt cwt = cwt_of(*plan, positions);
    const IndexRange all{0, plan->scale_count};
    with_type(type, [&](auto zero) {
      using Real = decltype(zero);
      cwt.power<Real>({static_cast<const Real*>(signal), positions}, {&all, 1},
                      {static_cast<Real*>(out), 1, positions}, threads);
    });
  });
}

int dendrokv_icwt(const dendrokv_cwt_plan* plan, char type, const void* coefficients,
                  size_t positions, void* out) {
  return guarded([&] {
    const Cwt cwt = cwt_of(*plan, positions);
    with_type(type, [&](auto zero) {
      using Real = decltype(zero);
      cwt.inverse<Real>(
          {static_cast<const std::complex<Real>*>(coefficients), plan->scale_count, positions},
          {static_cast<Real*>(out), positions});
    });
  });
}

int dendrokv_cwt_axes(const dendrokv_cwt_plan* plan, size_t positions, double* periods,
                      double* cone) {
  return guarded([&] {
    const Cwt cwt = cwt_of(*plan, positions);
    if (periods) std::ranges::copy(cwt.periods(), periods);
    if (cone) std::ranges::copy(cwt.cone_of_influence(), cone);
  });
}

int dendrokv_coherence(const dendrokv_cwt_plan* plan, const double* x, const double* y,
                       size_t positions, double octaves, double* squared, double* phase) {
  return guarded([&] {
    const Coherence coherence(cwt_of(*plan, positions), octaves);
    const size_t scales = plan->scale_count;
    const GridView<double> angles =
        phase ? GridView<double>(phase, scales, positions) : GridView<double>();
    coherence.forward({x, positions}, {y, positions}, {squared, scales, positions}, angles);
  });
}

int dendrokv_coherence_significance(const dendrokv_cwt_plan* plan, size_t positions, double octaves,
                                    double lag1_x, double lag1_y, double confidence,
                                    size_t surrogates, unsigned long long seed, unsigned threads,
                                    double* levels) {
  return guarded([&] {
    const Coherence coherence(cwt_of(*plan, positions), octaves);
    std::ranges::copy(coherence.significance(lag1_x, lag1_y, confidence, surrogates, seed, threads),
                      levels);
  });
}
