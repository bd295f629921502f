#pragma once
// A file of logits (`dendrokv logits`): the model's distribution after each token, for checks and
// for other tools.
//
//   /logits     float32 [tokens, vocabulary]
//   /tokens/id  int32 [tokens]
//   root        format "dendrokv-logits" and what every file of ours carries; model, model_sha256,
//               policy

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "data/grid.h"
#include "data/trace.h"

namespace dendrokv {

struct LogitsPlan {
  ModelFacts model;
  std::string policy, command_line;
  std::span<const int32_t> tokens;  // read by the constructor only
};

/// Bytes that the finished file will take.
uint64_t estimated_bytes(const LogitsPlan& plan);

class LogitsWriter {
 public:
  /// Creates `path`.part. Throws Error: unwritable.
  LogitsWriter(std::filesystem::path path, const LogitsPlan& plan);
  /// Without finish(): the .part file is removed.
  ~LogitsWriter();
  LogitsWriter(const LogitsWriter&) = delete;
  LogitsWriter& operator=(const LogitsWriter&) = delete;

  /// The next rows, [token, vocabulary].
  void append(GridView<const float> rows);
  /// All rows are there: marks complete, syncs, renames. Throws Error.
  void finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dendrokv
