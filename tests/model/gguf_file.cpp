#include "tests/model/gguf_file.h"

#include <algorithm>
#include <stdexcept>

namespace dendrokv::testing {
namespace {

std::string text_value(const std::string& text) {
  std::string value;
  append_text(value, text);
  return value;
}

template <class T>
std::string number_value(T number) {
  std::string value;
  append(value, number);
  return value;
}

std::string array_head(GgufType type, size_t count) {
  std::string value;
  append(value, static_cast<uint32_t>(type));
  append(value, uint64_t{count});
  return value;
}

void pad(std::string& bytes, uint64_t alignment) {
  bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
}

// Code points up to U+0143 only.
std::string utf8(unsigned character) {
  if (character < 0x80) return {static_cast<char>(character)};
  return {static_cast<char>(0xC0 | (character >> 6)), static_cast<char>(0x80 | (character & 0x3F))};
}

void add_layer(GgufFile& file, const std::string& prefix) {
  file.set_floats(prefix + "attn_norm.weight", {16});
  file.set_floats(prefix + "attn_q.weight", {16, 16});
  file.set_floats(prefix + "attn_k.weight", {16, 8});
  file.set_floats(prefix + "attn_v.weight", {16, 8});
  file.set_floats(prefix + "attn_output.weight", {16, 16});
  file.set_floats(prefix + "ffn_norm.weight", {16});
  file.set_floats(prefix + "ffn_gate.weight", {16, 32});
  file.set_floats(prefix + "ffn_up.weight", {16, 32});
  file.set_floats(prefix + "ffn_down.weight", {32, 16});
}

void add_tokenizer(GgufFile& file) {
  std::vector<std::string> tokens = byte_texts();
  for (const char* merged : {"th", "the", "\xC4\xA0the", "<|im_start|>", "<|im_end|>", "<tool>"})
    tokens.push_back(merged);
  std::vector<int32_t> types(tokens.size(), 1);
  types[259] = types[260] = 3;
  types[261] = 4;
  file.set_text("tokenizer.ggml.model", "gpt2");
  file.set_text("tokenizer.ggml.pre", "gpt-2");
  file.set_texts("tokenizer.ggml.tokens", tokens);
  file.set_i32s("tokenizer.ggml.token_type", types);
  file.set_texts("tokenizer.ggml.merges", {"t h", "th e", "\xC4\xA0 the"});
  file.set_u32("tokenizer.ggml.bos_token_id", 259);
  file.set_u32("tokenizer.ggml.eos_token_id", 260);
}

}  // namespace

void append_text(std::string& bytes, const std::string& text) {
  append(bytes, uint64_t{text.size()});
  bytes += text;
}

void GgufFile::set(const std::string& name, GgufType type, const std::string& value) {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
  if (found == keys.end())
    keys.push_back({name, type, value});
  else
    *found = {name, type, value};
}

void GgufFile::set_u32(const std::string& name, uint32_t number) {
  set(name, GgufType::U32, number_value(number));
}
void GgufFile::set_f32(const std::string& name, float number) {
  set(name, GgufType::F32, number_value(number));
}
void GgufFile::set_bool(const std::string& name, uint8_t byte) {
  set(name, GgufType::Bool, number_value(byte));
}
void GgufFile::set_text(const std::string& name, const std::string& text) {
  set(name, GgufType::String, text_value(text));
}

void GgufFile::set_texts(const std::string& name, const std::vector<std::string>& texts) {
  std::string value = array_head(GgufType::String, texts.size());
  for (const std::string& text : texts) append_text(value, text);
  set(name, GgufType::Array, value);
}

void GgufFile::set_i32s(const std::string& name, const std::vector<int32_t>& numbers) {
  std::string value = array_head(GgufType::I32, numbers.size());
  for (const int32_t number : numbers) append(value, number);
  set(name, GgufType::Array, value);
}

void GgufFile::erase(const std::string& name) {
  std::erase_if(keys, [&](const Key& key) { return key.name == name; });
}

void GgufFile::set_floats(const std::string& name, const std::vector<uint64_t>& shape) {
  uint64_t count = 1;
  for (const uint64_t extent : shape) count *= extent;
  std::string data;
  for (uint64_t i = 0; i < count; ++i) append(data, 0.5f + static_cast<float>(i % 97) / 128);
  erase_tensor(name);
  tensors.push_back({name, shape, 0, data, std::nullopt});
}

void GgufFile::erase_tensor(const std::string& name) {
  std::erase_if(tensors, [&](const Tensor& tensor) { return tensor.name == name; });
}

GgufFile::Tensor& GgufFile::tensor(const std::string& name) {
  for (Tensor& tensor : tensors)
    if (tensor.name == name) return tensor;
  throw std::runtime_error("no tensor " + name);
}

std::string GgufFile::bytes() const {
  std::string head = "GGUF", data;
  append(head, version);
  append(head, tensor_count.value_or(tensors.size()));
  append(head, key_count.value_or(keys.size()));
  for (const Key& key : keys) {
    append_text(head, key.name);
    append(head, static_cast<uint32_t>(key.type));
    head += key.value;
  }
  for (const Tensor& tensor : tensors) {
    append_text(head, tensor.name);
    append(head, static_cast<uint32_t>(tensor.shape.size()));
    for (const uint64_t extent : tensor.shape) append(head, extent);
    append(head, tensor.type);
    append(head, tensor.offset.value_or(data.size()));
    data += tensor.data;
    pad(data, alignment);
  }
  pad(head, alignment);
  return head + data;
}

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::vector<std::string> byte_texts() {
  std::vector<std::string> texts;
  unsigned next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool itself = (byte > 0x20 && byte < 0x7F) || (byte > 0xA0 && byte != 0xAD);
    texts.push_back(utf8(itself ? byte : next++));
  }
  return texts;
}

GgufFile tiny_model() {
  GgufFile file;
  file.set_text("general.architecture", "llama");
  file.set_text("general.name", "tiny");
  file.set_u32("llama.block_count", 2);
  file.set_u32("llama.context_length", 128);
  file.set_u32("llama.embedding_length", 16);
  file.set_u32("llama.feed_forward_length", 32);
  file.set_u32("llama.attention.head_count", 4);
  file.set_u32("llama.attention.head_count_kv", 2);
  file.set_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  add_tokenizer(file);
  file.set_floats("token_embd.weight", {16, 262});
  add_layer(file, "blk.0.");
  add_layer(file, "blk.1.");
  file.set_floats("output_norm.weight", {16});
  return file;
}

}  // namespace dendrokv::testing
