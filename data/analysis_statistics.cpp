// One group per kind: claims and what they are made of have files of their own; here are the group
// itself, its curves as matrices, nulls, maps and changes.

#include "data/analysis_statistics.h"

#include <limits>

#include "data/analysis_bins.h"
#include "data/analysis_claims.h"
#include "data/error.h"
#include "data/hdf5_tables.h"

namespace dendrokv {
namespace {

constexpr std::string_view kRoot = "/statistics";

std::string at(const std::string& name) {
  return std::string(kRoot) + "/" + name;
}

uint32_t read_count(const h5::File& file, std::string_view group, std::string_view name) {
  const uint64_t count = file.count_attribute(group, name);
  if (count > std::numeric_limits<int32_t>::max())
    fail(file.name() + ": " + std::string(group) + "@" + std::string(name), std::to_string(count),
         "wanted a count");
  return static_cast<uint32_t>(count);
}

void write_sample(h5::File& file, const Statistics& statistics) {
  file.write_attribute(kRoot, "unit", statistics.unit);
  file.write_attribute(kRoot, "documents", uint64_t{statistics.documents});
  file.write_attribute(kRoot, "windows", uint64_t{statistics.windows});
  file.write_attribute(kRoot, "seed", statistics.seed);
  file.write_attribute(kRoot, "draws", uint64_t{statistics.draws});
  file.write_attribute(kRoot, "stretch", uint64_t{statistics.stretch});
  file.write_attribute(kRoot, "confidence", statistics.confidence);
  file.write_attribute(kRoot, "significance", statistics.significance);
  file.write_attribute(kRoot, "variance_interval", statistics.variance_interval);
  file.write_attribute(kRoot, "lag1", statistics.lag1);
  h5::write_text_list(file, kRoot, "nulls", statistics.nulls);
}

void read_sample(const h5::File& file, Statistics& statistics) {
  statistics.unit = file.text_attribute(kRoot, "unit");
  statistics.documents = read_count(file, kRoot, "documents");
  statistics.windows = read_count(file, kRoot, "windows");
  statistics.seed = file.count_attribute(kRoot, "seed");
  statistics.draws = read_count(file, kRoot, "draws");
  statistics.stretch = read_count(file, kRoot, "stretch");
  statistics.confidence = file.real_attribute(kRoot, "confidence");
  statistics.significance = file.real_attribute(kRoot, "significance");
  statistics.variance_interval = file.text_attribute(kRoot, "variance_interval");
  statistics.lag1 = file.real_attribute(kRoot, "lag1");
  statistics.nulls = h5::read_text_list(file, kRoot, "nulls");
}

void write_nulls(h5::File& file, const Statistics& statistics, const h5::Shape& shape) {
  for (const NullCurve& null : statistics.null_curves) {
    const std::string group = at("null_" + null.name);
    file.create_group(group);
    file.write_attribute(group, "draws", uint64_t{null.draws});
    h5::write_values(file, group + "/mean", shape, null.mean);
    h5::write_values(file, group + "/low", shape, null.low);
    h5::write_values(file, group + "/high", shape, null.high);
  }
}

void read_nulls(const h5::File& file, const h5::Shape& shape, Statistics& statistics) {
  for (const std::string& name : statistics.nulls) {
    const std::string group = at("null_" + name);
    statistics.null_curves.push_back({name, read_count(file, group, "draws"),
                                      h5::read_values<double>(file, group + "/mean", shape),
                                      h5::read_values<double>(file, group + "/low", shape),
                                      h5::read_values<double>(file, group + "/high", shape)});
  }
}

void write_maps(h5::File& file, const Statistics& statistics, const h5::Shape& shape) {
  for (const HeadMap& map : statistics.maps) {
    const std::string group = at("map_" + map.name);
    file.create_group(group);
    file.write_attribute(group, "statement", map.statement);
    h5::write_values(file, group + "/effect", shape, map.effect);
    h5::write_values(file, group + "/p", shape, map.p_value);
    h5::write_values(file, group + "/p_adjusted", shape, map.adjusted_p);
  }
}

void read_maps(const h5::File& file, const h5::Shape& shape, Statistics& statistics) {
  for (const std::string& name : h5::read_text_list(file, kRoot, "maps")) {
    const std::string group = at("map_" + name);
    statistics.maps.push_back({name, file.text_attribute(group, "statement"),
                               h5::read_values<float>(file, group + "/effect", shape),
                               h5::read_values<float>(file, group + "/p", shape),
                               h5::read_values<float>(file, group + "/p_adjusted", shape)});
  }
}

/// [bands], or nothing: of a dataset that older files or other transforms do not have.
std::vector<double> read_bands_or_none(const h5::File& file, const std::string& path,
                                       uint64_t bands) {
  if (!file.has(path)) return {};
  std::vector<double> values = h5::read_list<double>(file, path);
  if (!values.empty() && values.size() != bands)
    fail(file.name() + ": " + path, std::to_string(values.size()) + " numbers",
         "wanted none or " + std::to_string(bands));
  return values;
}

void write_curves(h5::File& file, const Statistics& statistics, const h5::Shape& shape) {
  h5::write_values(file, at("energy"), shape, statistics.energy);
  h5::write_values(file, at("relative"), shape, statistics.relative);
  h5::write_list(file, at("entropy"), statistics.entropy);
  h5::write_list(file, at("variance"), statistics.variance);
  h5::write_list(file, at("variance_low"), statistics.variance_low);
  h5::write_list(file, at("variance_high"), statistics.variance_high);
  h5::write_list(file, at("variance_robust"), statistics.variance_robust);
  h5::write_list(file, at("variance_median"), statistics.variance_median);
  h5::write_list(file, at("significant_power"), statistics.significant);
}

void read_curves(const h5::File& file, uint64_t bands, uint64_t positions, Statistics& statistics) {
  statistics.energy = h5::read_values<double>(file, at("energy"), {bands, positions});
  statistics.relative = h5::read_values<double>(file, at("relative"), {bands, positions});
  statistics.entropy = h5::read_list<double>(file, at("entropy"), positions);
  statistics.variance = h5::read_list<double>(file, at("variance"), bands);
  statistics.variance_low = h5::read_list<double>(file, at("variance_low"), bands);
  statistics.variance_high = h5::read_list<double>(file, at("variance_high"), bands);
  statistics.variance_robust = read_bands_or_none(file, at("variance_robust"), bands);
  statistics.variance_median = read_bands_or_none(file, at("variance_median"), bands);
  statistics.significant = read_bands_or_none(file, at("significant_power"), bands);
}

void write_changes(h5::File& file, const std::vector<BandChange>& changes) {
  const std::string group = at("changes");
  file.create_group(group);
  const auto write = [&]<class T>(const char* name, T BandChange::*field) {
    h5::write_column<T>(file, group + name, changes,
                        [&](const BandChange& change) { return change.*field; });
  };
  write("/band", &BandChange::band);
  write("/position", &BandChange::position);
  write("/statistic", &BandChange::statistic);
  write("/p", &BandChange::p_value);
}

std::vector<BandChange> read_changes(const h5::File& file, uint64_t bands) {
  const std::string group = at("changes");
  const auto band = h5::read_list<uint32_t>(file, group + "/band");
  const auto position = h5::read_list<uint32_t>(file, group + "/position", band.size());
  const auto statistic = h5::read_list<double>(file, group + "/statistic", band.size());
  const auto p = h5::read_list<double>(file, group + "/p", band.size());
  std::vector<BandChange> changes;
  for (size_t i = 0; i < band.size(); ++i) {
    if (band[i] >= bands)
      fail(file.name() + ": " + group + "/band", std::to_string(band[i]),
           "wanted a band below " + std::to_string(bands));
    changes.push_back({band[i], position[i], statistic[i], p[i]});
  }
  return changes;
}

}  // namespace

void write_statistics(h5::File& file, const Analysis& analysis) {
  const Statistics& statistics = analysis.statistics;
  const uint64_t bands = analysis.levels, positions = analysis.positions;
  file.create_group(kRoot);
  write_sample(file, statistics);
  std::vector<std::string> maps;
  for (const HeadMap& map : statistics.maps) maps.push_back(map.name);
  h5::write_text_list(file, kRoot, "maps", maps);
  write_claims(file, at("claims"), statistics.claims);
  write_claims(file, at("claims_with_ends"), statistics.claims_with_ends);
  write_bins(file, statistics, bands);
  write_nulls(file, statistics, {bands, positions});
  write_maps(file, statistics, {analysis.layers.size(), analysis.heads.size()});
  write_curves(file, statistics, {bands, positions});
  write_changes(file, statistics.changes);
}

Statistics read_statistics(const h5::File& file, const Analysis& analysis) {
  Statistics statistics;
  const uint64_t bands = analysis.levels, positions = analysis.positions;
  read_sample(file, statistics);
  statistics.claims = read_claims(file, at("claims"));
  statistics.claims_with_ends = read_claims(file, at("claims_with_ends"));
  read_bins(file, bands, statistics);
  read_nulls(file, {bands, positions}, statistics);
  read_maps(file, {analysis.layers.size(), analysis.heads.size()}, statistics);
  read_curves(file, bands, positions, statistics);
  statistics.changes = read_changes(file, bands);
  return statistics;
}

}  // namespace dendrokv
