#pragma once
// The result of `dendrokv analyze`: variability of contributions per position and wavelet level.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/ids.h"

namespace dendrokv {

struct Analysis {
  std::string uuid, created, creator, command_line;
  std::vector<std::string> trace_uuids;  // one per sample
  std::string transform = "dwt", wavelet = "haar", boundary = "aligned", signal = "contribution";
  std::string unit;           // of the bands
  uint32_t levels = 0;        // bands; level 1 (index 0) is the highest frequency
  uint32_t positions = 0;     // P; absolute positions of the (longest) trace
  uint32_t step = 0;          // position of the query whose weights were taken
  uint32_t valid_first = 0, valid_count = 0;        // positions that the transform covers, a multiple of 2^levels
  uint32_t exclude_first = 32, exclude_last = 32;   // left out of figures and tests
  uint32_t samples = 0;
  std::vector<Layer> layers;
  std::vector<Head> heads;
  std::vector<double> band;          // [levels, P], NaN outside of the valid range
  std::vector<float> band_by_head;   // [levels, L, H, P]
  std::vector<double> mean_weight;   // [P] mean attention weight over layers and heads; NaN = absent
};

/// Writes `path`.part, then renames. Fills uuid, created and creator when empty. Throws Error.
void write_analysis(const std::filesystem::path& path, Analysis analysis);
Analysis read_analysis(const std::filesystem::path& path);

}  // namespace dendrokv
