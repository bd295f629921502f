// dendrokv models: which GGUF files the engine runs.

#include <array>
#include <iostream>

#include "cli/format.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "model/tensor_types.h"

namespace dendrokv {
namespace {

constexpr std::array<std::string_view, 1> kArchitectures{"llama"};
constexpr std::array<std::string_view, 2> kPreTokenizers{"smollm", "gpt-2"};

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
      .set("architectures", kArchitectures)
      .set("pre_tokenizers", kPreTokenizers)
      .set("tensor_types", types);
}

std::string table_text() {
  std::string text = "architectures\n";
  for (const std::string_view name : kArchitectures) text += "  " + std::string(name) + "\n";
  text += "pre-tokenizers of byte-level BPE\n";
  for (const std::string_view name : kPreTokenizers) text += "  " + std::string(name) + "\n";
  text += "tensor types, bits per weight\n";
  TextTable table;
  for (const TensorType& type : tensor_type_table())
    table.row({std::string(type.name), significant(bits_per_weight(type))});
  return text + table.text(2);
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
