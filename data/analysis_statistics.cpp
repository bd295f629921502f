// One group per kind: claims as columns side by side, so that a generic viewer shows them as a
// table; curves as matrices.

#include "data/analysis_statistics.h"

#include <limits>

#include "data/error.h"

namespace dendrokv {
namespace {

constexpr uint64_t kAny = std::numeric_limits<uint64_t>::max();
constexpr std::string_view kRoot = "/statistics";

std::string at(std::string_view group, std::string_view name) {
  return std::string(group) + "/" + std::string(name);
}

void put(h5::File& file, const std::string& path, const std::vector<double>& values,
         h5::Shape shape = {}) {
  if (shape.empty()) shape = {values.size()};
  h5::Dataset dataset = file.create_dataset(path, h5::Type::F64, shape, {}, h5::Fill::Absent);
  DENDROKV_ASSERT(dataset.elements() == values.size());
  if (!values.empty()) dataset.write(values.data());
}
void put(h5::File& file, const std::string& path, const std::vector<float>& values,
         const h5::Shape& shape) {
  file.create_dataset(path, h5::Type::F32, shape, {}, h5::Fill::Absent).write(values.data());
}
void put(h5::File& file, const std::string& path, const std::vector<uint32_t>& values) {
  h5::Dataset dataset =
      file.create_dataset(path, h5::Type::U32, {values.size()}, {}, h5::Fill::Zero);
  if (!values.empty()) dataset.write(values.data());
}
void put_texts(h5::File& file, std::string_view group, std::string_view name,
               const std::vector<std::string>& texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  if (!views.empty()) file.write_attribute(group, name, std::span(views));
}

std::vector<double> get(const h5::File& file, const std::string& path, const h5::Shape& shape) {
  return file.open_dataset(path, h5::Type::F64, shape).read_all<double>();
}
std::vector<float> get_floats(const h5::File& file, const std::string& path,
                              const h5::Shape& shape) {
  return file.open_dataset(path, h5::Type::F32, shape).read_all<float>();
}
std::vector<uint32_t> get_counts(const h5::File& file, const std::string& path,
                                 const h5::Shape& shape) {
  return file.open_dataset(path, h5::Type::U32, shape).read_all<uint32_t>();
}
std::vector<std::string> get_texts(const h5::File& file, std::string_view group,
                                   std::string_view name) {
  if (!file.has_attribute(group, name)) return {};
  return file.texts_attribute(group, name);
}
uint32_t get_count(const h5::File& file, std::string_view group, std::string_view name) {
  const uint64_t count = file.count_attribute(group, name);
  if (count > std::numeric_limits<int32_t>::max())
    fail(file.name() + ": " + std::string(group) + "@" + std::string(name), std::to_string(count),
         "wanted a count");
  return static_cast<uint32_t>(count);
}

template <class Field>
std::vector<double> column(const std::vector<Claim>& claims, Field field) {
  std::vector<double> values;
  for (const Claim& claim : claims) values.push_back(claim.*field);
  return values;
}

constexpr std::pair<std::string_view, double Claim::*> kColumns[] = {
    {"effect", &Claim::effect}, {"lower", &Claim::lower},        {"upper", &Claim::upper},
    {"p", &Claim::raw_p_value}, {"p_adjusted", &Claim::p_value}, {"p_against", &Claim::p_against},
};

void write_claims(h5::File& file, const std::string& group, const std::vector<Claim>& claims) {
  file.create_group(group);
  std::vector<std::string> names, statements;
  std::vector<std::string_view> verdict_names;
  std::vector<uint8_t> verdicts;
  std::vector<uint32_t> units;
  for (uint8_t verdict = 0; verdict < kVerdicts; ++verdict)
    verdict_names.push_back(verdict_name(Verdict(verdict)));
  for (const Claim& claim : claims) {
    names.push_back(claim.name);
    statements.push_back(claim.statement);
    verdicts.push_back(static_cast<uint8_t>(claim.verdict));
    units.push_back(claim.units);
  }
  put_texts(file, group, "name", names);
  put_texts(file, group, "statement", statements);
  file.write_attribute(group, "verdicts", std::span<const std::string_view>(verdict_names));
  for (const auto& [name, field] : kColumns) put(file, at(group, name), column(claims, field));
  file.create_dataset(at(group, "verdict"), h5::Type::U8, {verdicts.size()}, {}, h5::Fill::Zero)
      .write(verdicts.data());
  put(file, at(group, "n"), units);
}

std::vector<Claim> read_claims(const h5::File& file, const std::string& group) {
  const std::vector<std::string> names = get_texts(file, group, "name"),
                                 statements = get_texts(file, group, "statement");
  const h5::Shape shape = {names.size()};
  const h5::Dataset verdict = file.open_dataset(at(group, "verdict"), h5::Type::U8, shape);
  const std::vector<uint8_t> verdicts = verdict.read_all<uint8_t>();
  const std::vector<uint32_t> units = get_counts(file, at(group, "n"), shape);
  if (statements.size() != names.size())
    fail(file.name() + ": " + group, "names and statements differ in number", "wanted one each");
  std::vector<Claim> claims(names.size());
  for (size_t i = 0; i < claims.size(); ++i) {
    if (verdicts[i] >= kVerdicts)
      fail(verdict.subject(), std::to_string(verdicts[i]), "wanted a verdict, 0 to 3");
    claims[i].name = names[i];
    claims[i].statement = statements[i];
    claims[i].verdict = Verdict(verdicts[i]);
    claims[i].units = units[i];
  }
  for (const auto& [name, field] : kColumns) {
    const std::vector<double> values = get(file, at(group, name), shape);
    for (size_t i = 0; i < claims.size(); ++i) claims[i].*field = values[i];
  }
  return claims;
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

void write_units(h5::File& file, const Statistics& statistics, uint64_t bands) {
  const std::string group = at(kRoot, "bins");
  file.create_group(group);
  const uint64_t units = statistics.units.size(), bins = statistics.bin_first.size();
  put(file, at(group, "first"), statistics.bin_first);
  put(file, at(group, "count"), statistics.bin_count);
  std::vector<std::string> names;
  for (const UnitCurves& unit : statistics.units) names.push_back(unit.name);
  put_texts(file, group, "units", names);
  put(file, at(group, "log_amplitude"),
      of_units(
          statistics.units, [](const UnitCurves& u) -> auto& { return u.amplitude; }),
      {units, bands, bins});
  put(file, at(group, "log_size"),
      of_units(
          statistics.units, [](const UnitCurves& u) -> auto& { return u.size; }),
      {units, bins});
  for (size_t n = 0; n < statistics.nulls.size(); ++n)
    put(file, at(group, "log_" + statistics.nulls[n]),
        of_units(
            statistics.units, [n](const UnitCurves& u) -> auto& { return u.nulls[n]; }),
        {units, bands, bins});
  for (const BinBand& band : statistics.bands) {
    const std::string name = at(group, "mean_" + band.name);
    put(file, name, band.mean, {bands, bins});
    put(file, name + "_low", band.low, {bands, bins});
    put(file, name + "_high", band.high, {bands, bins});
    if (!band.page_p.empty()) put(file, name + "_page_p", band.page_p, {bands});
    if (!band.sen_change.empty()) put(file, name + "_sen_change", band.sen_change, {bands});
  }
}

void read_units(const h5::File& file, uint64_t bands, Statistics& statistics) {
  const std::string group = at(kRoot, "bins");
  statistics.bin_first = get_counts(file, at(group, "first"), {kAny});
  const uint64_t bins = statistics.bin_first.size();
  statistics.bin_count = get_counts(file, at(group, "count"), {bins});
  const std::vector<std::string> names = get_texts(file, group, "units");
  const uint64_t units = names.size();
  const auto part = [](const std::vector<double>& all, size_t unit, size_t size) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(unit * size);
    return std::vector<double>(first, first + static_cast<std::ptrdiff_t>(size));
  };
  const std::vector<double> amplitude = get(file, at(group, "log_amplitude"), {units, bands, bins});
  const std::vector<double> size = get(file, at(group, "log_size"), {units, bins});
  for (size_t u = 0; u < units; ++u)
    statistics.units.push_back(
        {names[u], part(amplitude, u, bands * bins), part(size, u, bins), {}});
  for (const std::string& null : statistics.nulls) {
    const std::vector<double> curves = get(file, at(group, "log_" + null), {units, bands, bins});
    for (size_t u = 0; u < units; ++u)
      statistics.units[u].nulls.push_back(part(curves, u, bands * bins));
  }
  for (const std::string& name : get_texts(file, group, "bands")) {
    const std::string path = at(group, "mean_" + name);
    BinBand& band = statistics.bands.emplace_back(
        BinBand{name, get(file, path, {bands, bins}), get(file, path + "_low", {bands, bins}),
                get(file, path + "_high", {bands, bins})});
    if (file.has(path + "_page_p")) band.page_p = get(file, path + "_page_p", {bands});
    if (file.has(path + "_sen_change")) band.sen_change = get(file, path + "_sen_change", {bands});
  }
}

void write_maps(h5::File& file, const Statistics& statistics, const h5::Shape& shape) {
  for (const HeadMap& map : statistics.maps) {
    const std::string group = at(kRoot, "map_" + map.name);
    file.create_group(group);
    file.write_attribute(group, "statement", map.statement);
    put(file, at(group, "effect"), map.effect, shape);
    put(file, at(group, "p"), map.p_value, shape);
    put(file, at(group, "p_adjusted"), map.adjusted_p, shape);
  }
}

void write_nulls(h5::File& file, const Statistics& statistics, const h5::Shape& shape) {
  for (const NullCurve& null : statistics.null_curves) {
    const std::string group = at(kRoot, "null_" + null.name);
    file.create_group(group);
    file.write_attribute(group, "draws", uint64_t{null.draws});
    put(file, at(group, "mean"), null.mean, shape);
    put(file, at(group, "low"), null.low, shape);
    put(file, at(group, "high"), null.high, shape);
  }
}

void write_changes(h5::File& file, const Statistics& statistics) {
  const std::string group = at(kRoot, "changes");
  file.create_group(group);
  std::vector<uint32_t> band, position;
  std::vector<double> statistic, p_value;
  for (const BandChange& change : statistics.changes) {
    band.push_back(change.band);
    position.push_back(change.position);
    statistic.push_back(change.statistic);
    p_value.push_back(change.p_value);
  }
  put(file, at(group, "band"), band);
  put(file, at(group, "position"), position);
  put(file, at(group, "statistic"), statistic);
  put(file, at(group, "p"), p_value);
}

/// [bands], or nothing: of a dataset that older files or other transforms do not have.
std::vector<double> get_bands_or_none(const h5::File& file, const std::string& name,
                                      uint64_t bands) {
  if (!file.has(name)) return {};
  std::vector<double> values = get(file, name, {kAny});
  if (!values.empty() && values.size() != bands)
    fail(file.name() + ": " + name, std::to_string(values.size()) + " numbers",
         "wanted none or " + std::to_string(bands));
  return values;
}

std::vector<BandChange> read_changes(const h5::File& file, uint64_t bands) {
  const std::string group = at(kRoot, "changes");
  const std::vector<uint32_t> band = get_counts(file, at(group, "band"), {kAny});
  const h5::Shape shape = {band.size()};
  const std::vector<uint32_t> position = get_counts(file, at(group, "position"), shape);
  const std::vector<double> statistic = get(file, at(group, "statistic"), shape),
                            p = get(file, at(group, "p"), shape);
  std::vector<BandChange> changes;
  for (size_t i = 0; i < band.size(); ++i) {
    if (band[i] >= bands)
      fail(file.name() + ": " + at(group, "band"), std::to_string(band[i]),
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
  put_texts(file, kRoot, "nulls", statistics.nulls);
  std::vector<std::string> maps, names;
  for (const HeadMap& map : statistics.maps) maps.push_back(map.name);
  put_texts(file, kRoot, "maps", maps);
  write_claims(file, at(kRoot, "claims"), statistics.claims);
  write_claims(file, at(kRoot, "claims_with_ends"), statistics.claims_with_ends);
  write_units(file, statistics, bands);
  for (const BinBand& band : statistics.bands) names.push_back(band.name);
  put_texts(file, at(kRoot, "bins"), "bands", names);
  write_nulls(file, statistics, {bands, positions});
  write_maps(file, statistics, {analysis.layers.size(), analysis.heads.size()});
  put(file, at(kRoot, "energy"), statistics.energy, {bands, positions});
  put(file, at(kRoot, "relative"), statistics.relative, {bands, positions});
  put(file, at(kRoot, "entropy"), statistics.entropy);
  put(file, at(kRoot, "variance"), statistics.variance);
  put(file, at(kRoot, "variance_low"), statistics.variance_low);
  put(file, at(kRoot, "variance_high"), statistics.variance_high);
  put(file, at(kRoot, "variance_robust"), statistics.variance_robust);
  put(file, at(kRoot, "variance_median"), statistics.variance_median);
  put(file, at(kRoot, "significant_power"), statistics.significant);
  write_changes(file, statistics);
}

Statistics read_statistics(const h5::File& file, const Analysis& analysis) {
  Statistics statistics;
  const uint64_t bands = analysis.levels, positions = analysis.positions;
  statistics.unit = file.text_attribute(kRoot, "unit");
  statistics.documents = get_count(file, kRoot, "documents");
  statistics.windows = get_count(file, kRoot, "windows");
  statistics.seed = file.count_attribute(kRoot, "seed");
  statistics.draws = get_count(file, kRoot, "draws");
  statistics.stretch = get_count(file, kRoot, "stretch");
  statistics.confidence = file.real_attribute(kRoot, "confidence");
  statistics.significance = file.real_attribute(kRoot, "significance");
  statistics.variance_interval = file.text_attribute(kRoot, "variance_interval");
  statistics.lag1 = file.real_attribute(kRoot, "lag1");
  statistics.nulls = get_texts(file, kRoot, "nulls");
  statistics.claims = read_claims(file, at(kRoot, "claims"));
  statistics.claims_with_ends = read_claims(file, at(kRoot, "claims_with_ends"));
  read_units(file, bands, statistics);
  for (const std::string& name : statistics.nulls) {
    const std::string group = at(kRoot, "null_" + name);
    const h5::Shape shape = {bands, positions};
    statistics.null_curves.push_back(
        {name, get_count(file, group, "draws"), get(file, at(group, "mean"), shape),
         get(file, at(group, "low"), shape), get(file, at(group, "high"), shape)});
  }
  const h5::Shape map = {analysis.layers.size(), analysis.heads.size()};
  for (const std::string& name : get_texts(file, kRoot, "maps")) {
    const std::string group = at(kRoot, "map_" + name);
    statistics.maps.push_back(
        {name, file.text_attribute(group, "statement"), get_floats(file, at(group, "effect"), map),
         get_floats(file, at(group, "p"), map), get_floats(file, at(group, "p_adjusted"), map)});
  }
  statistics.energy = get(file, at(kRoot, "energy"), {bands, positions});
  statistics.relative = get(file, at(kRoot, "relative"), {bands, positions});
  statistics.entropy = get(file, at(kRoot, "entropy"), {positions});
  statistics.variance = get(file, at(kRoot, "variance"), {bands});
  statistics.variance_low = get(file, at(kRoot, "variance_low"), {bands});
  statistics.variance_high = get(file, at(kRoot, "variance_high"), {bands});
  statistics.variance_robust = get_bands_or_none(file, at(kRoot, "variance_robust"), bands);
  statistics.variance_median = get_bands_or_none(file, at(kRoot, "variance_median"), bands);
  statistics.significant = get_bands_or_none(file, at(kRoot, "significant_power"), bands);
  statistics.changes = read_changes(file, bands);
  return statistics;
}

}  // namespace dendrokv
