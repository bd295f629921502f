/* The C interface from C: a step is one Haar detail. */

#include <analysis/c_interface.h>
#include <stdio.h>

int run_from_c(void) {
  double x[4] = {1, 1, 5, 5}, low[2], high[2];
  dendrokv_filters haar;
  dendrokv_signal signal = {x, 1, 4, 1, 0, 1, 1}, bands[2] = {{low, 1, 2, 1, 0, 1, 1}, {high, 1, 2, 1, 0, 1, 1}};
  if (dendrokv_wavelet_filters("haar", &haar) != 0) return 1;
  if (dendrokv_dwt(&haar, "periodization", 1, 'd', &signal, bands, 1) != 0) return 1;
  if (high[0] != 0 || high[1] != 0 || low[1] < 7.07 || low[1] > 7.08) return 1;
  if (dendrokv_dwt(&haar, "sideways", 1, 'd', &signal, bands, 1) == 0) return 1;
  return dendrokv_error()[0] == 0;
}
