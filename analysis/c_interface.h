#pragma once
/* The transforms from C and from every language that can call C (python/dendrokv_wavelets.py).
   Library: libdendrokv_analysis.

   Functions return 0, or -1 and leave the reason in dendrokv_error(), of the calling thread.
   Nothing is kept between calls: all data are the caller's. Element type of all signals of a call:
   'f' float or 'd' double. */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* [batch, position, channel]; strides in elements; data may be NULL for a band that is left out. */
typedef struct {
  void* data;
  size_t batches, positions, channels;
  ptrdiff_t batch_stride, position_stride, channel_stride;
} dendrokv_signal;

/* Four filters of one even length. */
typedef struct {
  size_t length;
  const double *dec_lo, *dec_hi, *rec_lo, *rec_hi;
} dendrokv_filters;

const char* dendrokv_error(void);

/* Names of the discrete wavelets, for index 0, 1, ...; NULL after the last. */
const char* dendrokv_wavelet_name(size_t index);
/* Filters of a name, valid as long as the library; -1 when there is none. */
int dendrokv_wavelet_filters(const char* name, dendrokv_filters* filters);

/* Boundaries by name: zero, constant, symmetric, reflect, periodic, smooth, antisymmetric,
   antireflect, periodization, brick-wall, causal. Lengths of one level. */
int dendrokv_dwt_length(size_t positions, size_t filter_length, const char* boundary,
                        size_t* length);
/* bands: levels + 1 signals A_J, D_J, ..., D_1. The inverse fills signal->positions of them
   exactly. */
int dendrokv_dwt(const dendrokv_filters* filters, const char* boundary, unsigned levels, char type,
                 const dendrokv_signal* signal, const dendrokv_signal* bands, unsigned threads);
int dendrokv_idwt(const dendrokv_filters* filters, const char* boundary, unsigned levels, char type,
                  const dendrokv_signal* bands, const dendrokv_signal* signal, unsigned threads);

/* kind: "modwt", "stationary" or "stationary-normalised"; the signal is the smooth of level
   `skipped` (0 = a signal); details and smooths: one per level, level 1 first. */
int dendrokv_modwt(const dendrokv_filters* filters, const char* kind, unsigned levels,
                   unsigned skipped, char type, const dendrokv_signal* signal,
                   const dendrokv_signal* details, const dendrokv_signal* smooths,
                   unsigned threads);
int dendrokv_imodwt(const dendrokv_filters* filters, const char* kind, unsigned levels,
                    unsigned skipped, char type, const dendrokv_signal* details,
                    const dendrokv_signal* smooth, const dendrokv_signal* signal, unsigned threads);

/* The fused Haar profile (analysis/haar.h) of heads with their own values: weights [head,
   position], values [head, position, channel], dense floats; out [head, positions - (positions >>
   levels)], level 1 first, a mean magnitude per block of 2^level positions. */
int dendrokv_haar_magnitudes(const float* weights, const float* values, size_t heads,
                             size_t positions, size_t channels, unsigned levels, double* out,
                             unsigned threads);

/* wavelet: "morlet:6", "paul:4", "dog:2", "morse:20,3"; scales in the unit of dt; normalisation
   "l2" or "l1"; boundary "zero", "periodic" (no padding), ...; padded 0 = chosen. Signals of one
   type. */
typedef struct {
  const char* wavelet;
  const double* scales;
  size_t scale_count;
  double dt;
  const char *normalisation, *boundary;
  size_t padded;
  int keep_mean;
} dendrokv_cwt_plan;

/* out: complex [scale, position], dense. */
int dendrokv_cwt(const dendrokv_cwt_plan* plan, char type, const void* signal, size_t positions,
                 void* out, unsigned threads);
/* out: [position], the sum over all scales of |W|^2; the matrix is never formed. */
int dendrokv_cwt_power(const dendrokv_cwt_plan* plan, char type, const void* signal,
                       size_t positions, void* out, unsigned threads);
int dendrokv_icwt(const dendrokv_cwt_plan* plan, char type, const void* coefficients,
                  size_t positions, void* out);
/* periods [scale] and the period at the edge of the cone of influence [position]; either may be
   NULL. */
int dendrokv_cwt_axes(const dendrokv_cwt_plan* plan, size_t positions, double* periods,
                      double* cone);

/* Wavelet coherence of two series of doubles (analysis/coherence.h), smoothed over `octaves` of
   scales (0.6 for Morlet): squared and phase [scale, position], phase may be NULL. */
int dendrokv_coherence(const dendrokv_cwt_plan* plan, const double* x, const double* y,
                       size_t positions, double octaves, double* squared, double* phase);
/* Its level per scale [scale] against pairs of independent first-order autoregressions; NaN where
   the cone leaves nothing. */
int dendrokv_coherence_significance(const dendrokv_cwt_plan* plan, size_t positions, double octaves,
                                    double lag1_x, double lag1_y, double confidence,
                                    size_t surrogates, unsigned long long seed, unsigned threads,
                                    double* levels);

#ifdef __cplusplus
}
#endif
