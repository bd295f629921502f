#include "data/budget_map.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

#include "data/error.h"
#include "data/hdf5.h"
#include "data/regular_file.h"

namespace dendrokv {
namespace {

constexpr std::string_view kFirstLine = "dendrokv budget map 1";
// Of layers and of lanes: no model that the engine takes has more.
constexpr uint32_t kMost = 1024;
constexpr uint32_t kMostRows = 1 << 24;
constexpr std::string_view kGroup = "/lane_budget";

std::string lane_budget_of(size_t policy) {
  return std::string(kGroup) + "/" + std::to_string(policy);
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : name_(path.string()), file_(opened(path)) {}

  BudgetMap read() {
    if (next() != kFirstLine) fail_here("wanted '" + std::string(kFirstLine) + "'");
    BudgetMap map = sizes();
    map.rows.assign(size_t{map.layers} * map.lanes, 0);
    size_t found = 0;
    while (next_lane(map)) ++found;
    if (found < map.rows.size())
      fail(name_, std::to_string(found) + " lanes",
           "wanted all " + std::to_string(map.rows.size()));
    return map;
  }

 private:
  static std::ifstream opened(const std::filesystem::path& path) {
    // It is read each time that its policy is named.
    check_regular_file(path,
                       "a budget map, as `dendrokv tune budgets` writes them (docs/files.md)");
    return std::ifstream(path);
  }

  /// The next line that says something; empty at the end.
  const std::string& next() {
    while (std::getline(file_, line_)) {
      ++number_;
      if (!line_.empty() && line_[0] != '#') return line_;
    }
    line_.clear();
    return line_;
  }

  [[noreturn]] void fail_here(const std::string& wanted) const {
    fail(name_ + " line " + std::to_string(number_), "'" + line_ + "'", wanted);
  }

  BudgetMap sizes() {
    std::istringstream words(next());
    std::string layers, lanes, rest;
    BudgetMap map;
    words >> layers >> map.layers >> lanes >> map.lanes;
    const bool good = words && !(words >> rest) && layers == "layers" && lanes == "lanes";
    if (!good || map.layers == 0 || map.lanes == 0 || map.layers > kMost || map.lanes > kMost)
      fail_here("wanted layers N lanes N");
    return map;
  }

  bool next_lane(BudgetMap& map) {
    if (next().empty()) return false;
    std::istringstream words(line_);
    uint32_t layer = 0, lane = 0, rows = 0;
    std::string rest;
    words >> layer >> lane >> rows;
    const bool good = words && !(words >> rest) && layer < map.layers && lane < map.lanes;
    if (!good || rows == 0 || rows > kMostRows) fail_here("wanted a layer, a lane and its rows");
    uint32_t& place = map.rows[size_t{layer} * map.lanes + lane];
    if (place != 0) fail_here("wanted each lane once");
    place = rows;
    return true;
  }

  std::string name_;
  std::ifstream file_;
  std::string line_;
  size_t number_ = 0;
};

}  // namespace

BudgetMap read_budget_map(const std::filesystem::path& path) {
  return Reader(path).read();
}

void write_budget_map(const std::filesystem::path& path, const BudgetMap& map) {
  std::filesystem::path part = path;
  part += ".part";
  std::ofstream file(part);
  file << kFirstLine << "\nlayers " << map.layers << " lanes " << map.lanes
       << "\n# layer, lane, rows: sinks, recent ones and the rest together\n";
  for (uint32_t layer = 0; layer < map.layers; ++layer)
    for (uint32_t lane = 0; lane < map.lanes; ++lane)
      file << layer << " " << lane << " " << map.rows_of(Layer(layer), Lane(lane)) << "\n";
  file.close();
  if (!file) {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    fail(part.string(), "cannot be written", "wanted room for a small file");
  }
  h5::publish(part, path);
}

void write_lane_budget(h5::File& file, std::string_view dataset, const BudgetMap& map) {
  h5::Dataset rows =
      file.create_dataset(dataset, h5::Type::U32, {map.layers, map.lanes}, {}, h5::Fill::Zero);
  rows.write(map.rows.data());
}

BudgetMap read_lane_budget(const h5::File& file, std::string_view dataset) {
  constexpr auto kAny = std::numeric_limits<uint64_t>::max();
  const h5::Dataset stored = file.open_dataset(dataset, h5::Type::U32, {kAny, kAny});
  const h5::Shape shape = stored.shape();
  if (shape[0] == 0 || shape[1] == 0 || shape[0] > kMost || shape[1] > kMost)
    fail(stored.subject(), "has shape " + h5::shape_text(shape), "wanted [layers, lanes]");
  BudgetMap map{static_cast<uint32_t>(shape[0]), static_cast<uint32_t>(shape[1]),
                stored.read_all<uint32_t>()};
  for (const uint32_t rows : map.rows)
    if (rows == 0 || rows > kMostRows)
      fail(stored.subject(), std::to_string(rows) + " rows",
           "wanted 1 to " + std::to_string(kMostRows) + " for each lane");
  return map;
}

void write_lane_budgets(h5::File& file, const LaneBudgets& budgets) {
  const auto has_map = [](const auto& lanes) { return lanes.has_value(); };
  if (std::ranges::none_of(budgets, has_map)) return;
  file.create_group(kGroup);
  for (size_t policy = 0; policy < budgets.size(); ++policy)
    if (budgets[policy]) write_lane_budget(file, lane_budget_of(policy), *budgets[policy]);
}

LaneBudgets read_lane_budgets(const h5::File& file, size_t policies) {
  if (!file.has(kGroup)) return {};
  LaneBudgets budgets(policies);
  for (size_t policy = 0; policy < policies; ++policy)
    if (file.has(lane_budget_of(policy)))
      budgets[policy] = read_lane_budget(file, lane_budget_of(policy));
  return budgets;
}

}  // namespace dendrokv
