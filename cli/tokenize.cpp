// dendrokv tokenize: text to token ids and pieces.

#include <algorithm>
#include <iostream>

#include "cli/bytes.h"
#include "cli/format.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/make_command.h"

namespace dendrokv {
namespace {

Json to_json(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  const bool all_text =
      std::all_of(ids.begin(), ids.end(), [&](int32_t id) { return is_utf8(tokenizer.piece(id)); });
  Json pieces = Json::array();
  for (const int32_t id : ids) {
    const std::string piece(tokenizer.piece(id));
    pieces.add(all_text ? piece : base64(piece));
  }
  Json json = Json::object().set("ids", ids).set("pieces", pieces);
  if (!all_text) json.set("piece_encoding", "base64");
  return json;
}

/// A piece on one line, with quotes, invisible bytes as \n or \xNN.
std::string quoted(std::string_view piece) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const bool text = is_utf8(piece);
  std::string line = "\"";
  for (const char letter : piece) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '\n')
      line += "\\n";
    else if (letter == '"' || letter == '\\')
      line += std::string("\\") + letter;
    else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !text))
      line += std::string("\\x") + kDigits[byte >> 4] + kDigits[byte & 15];
    else
      line += letter;
  }
  return line + "\"";
}

std::string to_text(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  TextTable table;
  for (const int32_t id : ids) table.row({std::to_string(id), quoted(tokenizer.piece(id))});
  return table.text();
}

class Tokenize : public Command {
 public:
  void declare(Options& options) override {
    model_.declare(options);
    options.file("-f,--file", file_, "the text (default: standard input)");
    options.flag("--parse-special", parse_special_,
                 "read the text as a whole prompt: control tokens written in it, such as "
                 "<|im_start|>, become their ids, and the first token that the model asks for is "
                 "put in front; else they are plain characters and nothing is added");
    options.explain(
        "Prints one token a line: id and piece. With --json: ids and pieces, the pieces in base64 "
        "if one of them is not UTF-8 by itself (then \"piece_encoding\" says so).");
    options.example("echo -n 'Hello world! 123' | dendrokv tokenize --json");
  }

  ExitStatus run(const Session& session) override {
    const Tokenizer tokenizer = model_.load_tokenizer(session);
    const std::string text = file_.empty() ? read_standard_input() : read_text_file(file_);
    const std::vector<int32_t> ids =
        parse_special_
            ? tokenizer.encode_prompt(std::vector<TextPart>{{text, SpecialTokens::Parse}})
            : tokenizer.encode(text, SpecialTokens::AsText);
    std::cout << (session.json() ? to_json(tokenizer, ids).text() + "\n" : to_text(tokenizer, ids));
    return ExitStatus::Done;
  }

 private:
  ModelOption model_;
  std::filesystem::path file_;
  bool parse_special_ = false;
};

}  // namespace

std::unique_ptr<Command> make_tokenize() {
  return std::make_unique<Tokenize>();
}

}  // namespace dendrokv
