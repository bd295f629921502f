#include "data/analysis_bins.h"

#include <string>
#include <vector>

#include "data/hdf5_tables.h"

namespace dendrokv {
namespace {

constexpr std::string_view kGroup = "/statistics/bins";

std::string at(const std::string& name) {
  return std::string(kGroup) + "/" + name;
}

/// [unit, ...] of one field of the units, one after the other.
template <class Take>
std::vector<double> of_units(const std::vector<UnitCurves>& units, Take take) {
  std::vector<double> all;
  for (const UnitCurves& unit : units) {
    const std::vector<double>& values = take(unit);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

std::vector<double> of_unit(const std::vector<double>& all, size_t unit, size_t size) {
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(unit * size);
  return {first, first + static_cast<std::ptrdiff_t>(size)};
}

void write_units(h5::File& file, const Statistics& statistics, uint64_t levels) {
  const std::vector<UnitCurves>& units = statistics.units;
  const uint64_t bins = statistics.bin_first.size();
  std::vector<std::string> names;
  for (const UnitCurves& unit : units) names.push_back(unit.name);
  h5::write_text_list(file, kGroup, "units", names);
  const auto amplitude = [](const UnitCurves& unit) -> auto& {
    return unit.amplitude;
  };
  const auto size = [](const UnitCurves& unit) -> auto& {
    return unit.size;
  };
  h5::write_values(file, at("log_amplitude"), {units.size(), levels, bins},
                   of_units(units, amplitude));
  h5::write_values(file, at("log_size"), {units.size(), bins}, of_units(units, size));
  for (size_t n = 0; n < statistics.nulls.size(); ++n) {
    const auto null = [n](const UnitCurves& unit) -> auto& {
      return unit.nulls[n];
    };
    h5::write_values(file, at("log_" + statistics.nulls[n]), {units.size(), levels, bins},
                     of_units(units, null));
  }
}

void read_units(const h5::File& file, uint64_t levels, Statistics& statistics) {
  const std::vector<std::string> names = h5::read_text_list(file, kGroup, "units");
  const uint64_t units = names.size(), bins = statistics.bin_first.size();
  const h5::Shape shape = {units, levels, bins};
  const auto amplitude = h5::read_values<double>(file, at("log_amplitude"), shape);
  const auto size = h5::read_values<double>(file, at("log_size"), {units, bins});
  for (size_t u = 0; u < units; ++u)
    statistics.units.push_back(
        {names[u], of_unit(amplitude, u, levels * bins), of_unit(size, u, bins), {}});
  for (const std::string& null : statistics.nulls) {
    const auto curves = h5::read_values<double>(file, at("log_" + null), shape);
    for (size_t u = 0; u < units; ++u)
      statistics.units[u].nulls.push_back(of_unit(curves, u, levels * bins));
  }
}

void write_bands(h5::File& file, const Statistics& statistics, uint64_t levels) {
  const h5::Shape shape = {levels, statistics.bin_first.size()};
  std::vector<std::string> names;
  for (const BinBand& band : statistics.bands) {
    const std::string path = at("mean_" + band.name);
    h5::write_values(file, path, shape, band.mean);
    h5::write_values(file, path + "_low", shape, band.low);
    h5::write_values(file, path + "_high", shape, band.high);
    if (!band.page_p.empty()) h5::write_values(file, path + "_page_p", {levels}, band.page_p);
    if (!band.sen_change.empty())
      h5::write_values(file, path + "_sen_change", {levels}, band.sen_change);
    names.push_back(band.name);
  }
  h5::write_text_list(file, kGroup, "bands", names);
}

void read_bands(const h5::File& file, uint64_t levels, Statistics& statistics) {
  const h5::Shape shape = {levels, statistics.bin_first.size()};
  for (const std::string& name : h5::read_text_list(file, kGroup, "bands")) {
    const std::string path = at("mean_" + name);
    BinBand& band = statistics.bands.emplace_back();
    band.name = name;
    band.mean = h5::read_values<double>(file, path, shape);
    band.low = h5::read_values<double>(file, path + "_low", shape);
    band.high = h5::read_values<double>(file, path + "_high", shape);
    if (file.has(path + "_page_p"))
      band.page_p = h5::read_list<double>(file, path + "_page_p", levels);
    if (file.has(path + "_sen_change"))
      band.sen_change = h5::read_list<double>(file, path + "_sen_change", levels);
  }
}

}  // namespace

void write_bins(h5::File& file, const Statistics& statistics, uint64_t levels) {
  file.create_group(kGroup);
  h5::write_list(file, at("first"), statistics.bin_first);
  h5::write_list(file, at("count"), statistics.bin_count);
  write_units(file, statistics, levels);
  write_bands(file, statistics, levels);
}

void read_bins(const h5::File& file, uint64_t levels, Statistics& statistics) {
  statistics.bin_first = h5::read_list<uint32_t>(file, at("first"));
  statistics.bin_count = h5::read_list<uint32_t>(file, at("count"), statistics.bin_first.size());
  read_units(file, levels, statistics);
  read_bands(file, levels, statistics);
}

}  // namespace dendrokv
