// dendrokv models: which GGUF files the engine runs.

#include <iostream>
#include <span>
#include <vector>

#include "cli/format.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "model/architectures.h"
#include "model/pre_tokenizer.h"
#include "model/tensor_types.h"

namespace dendrokv {
namespace {

template <class Row>
std::vector<std::string_view> names_of(std::span<const Row> table) {
  std::vector<std::string_view> names;
  for (const Row& row : table) names.push_back(row.name);
  return names;
}

double bits_per_weight(const TensorType& type) {
  return 8.0 * static_cast<double>(type.block_bytes) / static_cast<double>(type.block_values);
}

Json table_json() {
  Json types = Json::array();
  for (const TensorType& type : tensor_type_table())
    types.add(Json::object()
                  .set("name", type.name)
                  .set("id", type.id)
                  .set("block_values", uint64_t{type.block_values})
                  .set("block_bytes", uint64_t{type.block_bytes}));
  return Json::object()
      .set("architectures", names_of(architecture_table()))
      .set("pre_tokenizers", names_of(pre_tokenizer_table()))
      .set("tensor_types", types);
}

std::string table_text() {
  std::string text = "architectures\n";
  TextTable architectures;
  for (const Architecture& row : architecture_table())
    architectures.row({std::string(row.name), std::string(row.summary)});
  text += architectures.text(2);
  text += "pre-tokenizers of byte-level BPE\n";
  for (const PreTokenizer& row : pre_tokenizer_table()) text += "  " + std::string(row.name) + "\n";
  text += "tensor types, bits per weight\n";
  TextTable types;
  for (const TensorType& type : tensor_type_table())
    types.row({std::string(type.name), significant(bits_per_weight(type))});
  return text + types.text(2);
}

class Models : public Command {
 public:
  void declare(Options& options) override { options.example("dendrokv models"); }

  ExitStatus run(const Session& session) override {
    std::cout << (session.json() ? table_json().text() + "\n" : table_text());
    return ExitStatus::Done;
  }
};

}  // namespace

std::unique_ptr<Command> make_models() {
  return std::make_unique<Models>();
}

}  // namespace dendrokv
