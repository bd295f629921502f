#include "data/budget_map.h"

#include <fstream>
#include <sstream>

#include "data/error.h"
#include "data/hdf5.h"

namespace dendrokv {
namespace {

constexpr std::string_view kFirstLine = "dendrokv budget map 1";
constexpr uint32_t kMost = 1 << 16, kMostRows = 1 << 24;

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : name_(path.string()), file_(path) {
    if (!file_) fail(name_, "cannot be read", "wanted a budget map");
  }

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
  if (!file) fail(part.string(), "cannot be written", "wanted room for a small file");
  h5::publish(part, path);
}

}  // namespace dendrokv
