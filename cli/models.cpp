// dendrokv models: which GGUF files the engine runs.

#include <iostream>
#include <vector>

#include "cli/format.h"
#include "cli/json.h"
#include "cli/make_command.h"
#include "model/architectures.h"
#include "model/chat.h"
#include "model/pre_tokenizer.h"
#include "model/tensor_types.h"
#include "model/token_model.h"

namespace dendrokv {
namespace {

template <class Row>
std::vector<std::string_view> names(std::span<const Row> rows) {
  std::vector<std::string_view> all;
  for (const Row& row : rows) all.push_back(row.name);
  return all;
}

template <class Row>
std::string summaries(std::span<const Row> rows) {
  TextTable table;
  for (const Row& row : rows) table.row({std::string(row.name), std::string(row.summary)});
  return table.text(2);
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
      .set("architectures", names(architecture_table()))
      .set("tokenizers", names(token_model_table()))
      .set("pre_tokenizers", names(pre_tokenizer_table()))
      .set("chat_formats", names(chat_format_table()))
      .set("tensor_types", types);
}

std::string table_text() {
  std::string text = "architectures\n" + summaries(architecture_table());
  text += "tokenizers\n" + summaries(token_model_table());
  text += "pre-tokenizers of byte-level BPE\n";
  for (const std::string_view name : names(pre_tokenizer_table()))
    text += "  " + std::string(name) + "\n";
  text += "chat formats\n" + summaries(chat_format_table());
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
