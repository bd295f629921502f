// What a GGUF file holds: facts of the model, its tokenizer and chat format, every key, and the
// tensors if they are asked for.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <map>
#include <span>

#include "cli/description.h"
#include "model/chat.h"
#include "model/model.h"
#include "model/tensor_types.h"
#include "model/unicode.h"

namespace dendrokv {
namespace {

// elements; of a longer array the first kFirstElements are shown
constexpr size_t kWholeArray = 16;
constexpr size_t kFirstElements = 8;
constexpr size_t kFirstInText = 4;

std::string shape_text(const std::vector<uint64_t>& shape) {
  std::string text;
  for (const uint64_t size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text;
}

Field tensor_types(const Gguf& gguf) {
  std::map<std::string, uint64_t> counts;
  for (const GgufTensor& tensor : gguf.tensors()) ++counts[tensor_type_name(tensor.type)];
  Field types{"tensor_types", Json::object(), {}};
  for (const auto& [name, count] : counts) {
    types.json.set(name, count);
    types.text += (types.text.empty() ? "" : ", ") + std::to_string(count) + " " + name;
  }
  return types;
}

// As short as it can be and still give the same 32-bit float, which most of them are in the file:
// 0.00001, not 9.999999747378752e-06.
std::string number_text(double number) {
  char buffer[64];
  const auto narrow = static_cast<float>(number);
  const double size = std::abs(number);
  const auto form =
      size >= 0.99e-5 && size < 1e15 ? std::chars_format::fixed : std::chars_format::general;
  const auto end = static_cast<double>(narrow) == number
                       ? std::to_chars(buffer, buffer + sizeof buffer, narrow, form).ptr
                       : std::to_chars(buffer, buffer + sizeof buffer, number, form).ptr;
  return {buffer, end};
}

std::string element_text(uint64_t number) {
  return std::to_string(number);
}
std::string element_text(int64_t number) {
  return std::to_string(number);
}
std::string element_text(double number) {
  return number_text(number);
}
std::string element_text(bool truth) {
  return truth ? "true" : "false";
}
std::string element_text(const std::string& text) {
  return "'" + shown(text) + "'";
}

Json element_json(double number) {
  return std::isfinite(number) ? Json(std::strtod(number_text(number).c_str(), nullptr))
                               : Json(number);
}
template <class T>
Json element_json(const T& value) {
  return Json(value);
}

template <class T>
Field array_field(std::string name, const std::vector<T>& values) {
  const bool whole = values.size() <= kWholeArray;
  Json first = Json::array();
  std::string text =
      std::to_string(values.size()) + (values.size() == 1 ? " element" : " elements");
  for (size_t i = 0; i < values.size() && (whole || i < kFirstElements); ++i) {
    const T value = values[i];
    first.add(element_json(value));
    if (whole || i < kFirstInText) text += (i == 0 ? ": " : ", ") + element_text(value);
  }
  if (whole) return {std::move(name), first, text};
  return {std::move(name), Json::object().set("count", uint64_t{values.size()}).set("first", first),
          text + ", ..."};
}

Field text_field(std::string name, const std::string& value) {
  const std::string line = shown(value);
  const std::string text =
      line == value ? value : line + " (" + std::to_string(value.size()) + " bytes)";
  return {std::move(name), Json(value), text};
}

Field metadata_field(const std::string& name, const GgufValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text_field(name, *text);
  return std::visit(
      [&](const auto& held) -> Field {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (requires { typename Held::allocator_type; } &&
                      !std::is_same_v<Held, std::string>)
          return array_field(name, held);
        else
          return {name, element_json(held), element_text(held)};
      },
      value);
}

void list_metadata(const Gguf& gguf, Description& description) {
  Json all = Json::object();
  TextTable table;
  for (const auto& [key, value] : gguf.metadata()) {
    const Field one = metadata_field(key, value);
    all.set(key, one.json);
    table.row({key, one.text.empty() ? "''" : one.text});
  }
  description.json.set("metadata", all);
  description.text +=
      "metadata: " + std::to_string(gguf.metadata().size()) + " keys\n" + table.text(2);
}

void list_tensors(const Gguf& gguf, Description& description) {
  Json list = Json::array();
  TextTable table;
  for (const GgufTensor& tensor : gguf.tensors()) {
    const std::string type = tensor_type_name(tensor.type);
    list.add(Json::object()
                 .set("name", tensor.name)
                 .set("type", type)
                 .set("shape", tensor.shape)
                 .set("bytes", uint64_t{tensor.data.size()}));
    table.row({tensor.name, type, shape_text(tensor.shape), bytes_text(tensor.data.size())});
  }
  description.json.set("tensor_list", list);
  description.text +=
      "tensors: name, type, shape (contiguous dimension first), size\n" + table.text(2);
}

std::string token_text(const Tokenizer& tokenizer, int32_t id) {
  return std::to_string(id) + " " + shown(tokenizer.piece(id));
}

void add_tokenizer(const Model& model, Description& description) {
  const Tokenizer& tokenizer = model.tokenizer();
  const ChatFormat* chat = recognise_chat_format(model.gguf());
  const bool bos = tokenizer.add_bos();
  std::string ends;
  for (const int32_t id : tokenizer.end_ids())
    ends += (ends.empty() ? "" : ", ") + token_text(tokenizer, id);
  description.fields.push_back({"first_token", bos ? Json(tokenizer.bos()) : Json::null(),
                                bos ? token_text(tokenizer, tokenizer.bos()) : "none"});
  description.fields.push_back({"end_tokens", Json(tokenizer.end_ids()), ends});
  description.fields.push_back({"chat_format", chat ? Json(chat->name) : Json::null(),
                                chat ? std::string(chat->name) : "none that is known"});
}

// Positions that the layers with a window see, and how many layers have one.
Field window_field(const Config& config) {
  const auto layers = static_cast<uint64_t>(std::ranges::count(config.spans, LayerSpan::Window));
  if (layers == 0) return {"window", Json::null(), "none"};
  return {"window", Json::object().set("positions", config.window).set("layers", layers),
          std::to_string(config.window) + " positions in " + std::to_string(layers) + " layers"};
}

uint64_t parameters_of(const Gguf& gguf) {
  uint64_t parameters = 0;
  for (const GgufTensor& tensor : gguf.tensors()) {
    uint64_t values = 1;
    for (const uint64_t size : tensor.shape) values *= size;
    parameters += values;
  }
  return parameters;
}

}  // namespace

Description describe_model(const std::filesystem::path& path, TensorList tensors) {
  const Model model = Model::load(path, LoadDepth::Describe, Arithmetic::Fast);
  const Config& config = model.config();
  Description description;
  description.fields = {
      field("kind", "model"),
      field("name", config.name),
      field("architecture", std::string(config.architecture->name)),
      field("parameters", parameters_of(model.gguf())),
      field("layers", config.layers),
      field("heads", config.heads),
      field("kv_heads", config.kv_heads),
      field("head_dim", config.head_dim),
      field("vocabulary", config.vocabulary),
      field("context_length", config.context_length),
      window_field(config),
      field("tensors", model.gguf().tensors().size()),
      tensor_types(model.gguf()),
      bytes_field("bytes", std::filesystem::file_size(path)),
      field("gguf_version", model.gguf().version()),
      field("sha256", model.sha256()),
  };
  add_tokenizer(model, description);
  list_metadata(model.gguf(), description);
  if (tensors == TensorList::Show) list_tensors(model.gguf(), description);
  return description;
}

}  // namespace dendrokv
