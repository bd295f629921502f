#include "data/analysis_claims.h"

#include <string_view>
#include <utility>

#include "data/error.h"
#include "data/hdf5_tables.h"

namespace dendrokv {
namespace {

constexpr std::pair<std::string_view, double Claim::*> kColumns[] = {
    {"effect", &Claim::effect}, {"lower", &Claim::lower},        {"upper", &Claim::upper},
    {"p", &Claim::raw_p_value}, {"p_adjusted", &Claim::p_value}, {"p_against", &Claim::p_against},
};

}  // namespace

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
  h5::write_text_list(file, group, "name", names);
  h5::write_text_list(file, group, "statement", statements);
  file.write_attribute(group, "verdicts", std::span<const std::string_view>(verdict_names));
  for (const auto& [name, field] : kColumns)
    h5::write_column<double>(file, group + "/" + std::string(name), claims,
                             [&](const Claim& claim) { return claim.*field; });
  file.create_dataset(group + "/verdict", h5::Type::U8, {verdicts.size()}, {}, h5::Fill::Zero)
      .write(verdicts.data());
  h5::write_list(file, group + "/n", units);
}

std::vector<Claim> read_claims(const h5::File& file, const std::string& group) {
  const std::vector<std::string> names = h5::read_text_list(file, group, "name"),
                                 statements = h5::read_text_list(file, group, "statement");
  const h5::Shape shape = {names.size()};
  const h5::Dataset verdict = file.open_dataset(group + "/verdict", h5::Type::U8, shape);
  const std::vector<uint8_t> verdicts = verdict.read_all<uint8_t>();
  const std::vector<uint32_t> units = h5::read_values<uint32_t>(file, group + "/n", shape);
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
    const std::vector<double> values =
        h5::read_values<double>(file, group + "/" + std::string(name), shape);
    for (size_t i = 0; i < claims.size(); ++i) claims[i].*field = values[i];
  }
  return claims;
}

}  // namespace dendrokv
