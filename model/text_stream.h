#pragma once
// Tokens to text as they come. The texts of all calls together are the text of all ids.

#include <cstdint>
#include <string>
#include <string_view>

namespace dendrokv {

class Tokenizer;

/// Holds back the bytes of an unfinished UTF-8 character until the rest of it arrives.
class Utf8Stream {
 public:
  /// Bytes that are complete after adding `piece`.
  std::string feed(std::string_view piece);
  /// What is left at the end of the text.
  std::string flush();

 private:
  std::string held_;
};

/// Whether the first id begins a text or goes on in one: only a text begins with the space that
/// encoding puts in front.
enum class StreamStart : uint8_t { OfText, Within };

class TextStream {
 public:
  /// `tokenizer` must outlive the object.
  TextStream(const Tokenizer& tokenizer, StreamStart start);
  /// Throws Error on an id outside of the vocabulary.
  std::string feed(int32_t id);
  std::string flush();

 private:
  const Tokenizer& tokenizer_;
  bool drop_space_;  // the next piece's, put there by encoding
  Utf8Stream bytes_;
};

}  // namespace dendrokv
