// dendrokv policies: the table of cache policies.

#include "cache/policies.h"

#include <iostream>

#include "cli/format.h"
#include "cli/json.h"
#include "cli/make_command.h"

namespace dendrokv {
namespace {

std::string plain(double number) {
  return std::to_string(static_cast<uint64_t>(number));
}

std::string allowed_values(const OptionRow& option) {
  switch (option.type) {
    case OptionType::Choice:
      return std::string(option.choices);
    case OptionType::Count:
      return plain(option.lowest) + " to " + plain(option.highest);
    case OptionType::CountOrWord:
      return plain(option.lowest) + " to " + plain(option.highest) + ", or " +
             std::string(option.choices);
    case OptionType::File:
      return "FILE";
    case OptionType::Real:
      return significant(option.lowest) + " to " + significant(option.highest);
  }
  return {};
}

Json option_json(const OptionRow& option) {
  Json json = Json::object();
  json.set("name", option.name).set("summary", option.summary).set("default", option.standard);
  if (!option.choices.empty()) json.set("choices", option.choices);
  if (option.type == OptionType::Choice || option.type == OptionType::File) return json;
  return json.set("lowest", option.lowest).set("highest", option.highest);
}

Json table_json() {
  Json policies = Json::array();
  for (const PolicyRow& row : policy_table()) {
    Json options = Json::array();
    for (const OptionRow& option : row.spec.options) options.add(option_json(option));
    policies.add(Json::object()
                     .set("name", row.spec.name)
                     .set("summary", row.spec.summary)
                     .set("paper", row.paper)
                     .set("options", options));
  }
  return Json::object().set("policies", policies);
}

std::string table_text() {
  std::string text;
  for (const PolicyRow& row : policy_table()) {
    text += std::string(row.spec.name) + ": " + std::string(row.spec.summary) + "\n";
    if (!row.paper.empty()) text += "  paper: " + std::string(row.paper) + "\n";
    TextTable table;
    for (const OptionRow& option : row.spec.options)
      table.row({std::string(option.name),
                 option.standard.empty() ? "not set" : std::string(option.standard),
                 allowed_values(option), std::string(option.summary)});
    if (!row.spec.options.empty()) text += "  key, default, values, meaning\n" + table.text(4);
    text += "\n";
  }
  return text +
         "A policy is written NAME:key=value,..., as treekv:capacity=64,sinks=4,recent=60.\n";
}

class Policies : public Command {
 public:
  void declare(Options& options) override { options.example("dendrokv policies"); }

  ExitStatus run(const Session& session) override {
    std::cout << (session.json() ? table_json().text() + "\n" : table_text());
    return ExitStatus::Done;
  }
};

}  // namespace

std::unique_ptr<Command> make_policies() {
  return std::make_unique<Policies>();
}

}  // namespace dendrokv
