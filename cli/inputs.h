#pragma once
// What several commands read: a model, a text, a policy.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cache/policies.h"
#include "cli/command.h"
#include "cli/options.h"
#include "model/attention.h"
#include "model/model.h"

namespace dendrokv {

/// --model, or $DENDROKV_MODEL, or the default model of the cache folder.
struct ModelOption {
  std::filesystem::path path;
  TokenizerOptions tokenizer;

  void declare(Options& options);
  /// Throws Error that says how to get a model when none is named and none is there.
  Model load(const Session& session, LoadDepth depth) const;
  /// The tokenizer alone: of any GGUF file, also one without weights or with those of a model that
  /// the engine does not run.
  Tokenizer load_tokenizer(const Session& session) const;
  /// The file that would be loaded. Throws Error as load() does when none is named and none is
  /// there.
  std::filesystem::path file(const Session& session) const;
};

/// Keeps the model that was loaded last, for a row of tasks that want the same one.
class ModelKeeper {
 public:
  Model load(const std::filesystem::path& path, LoadDepth depth, const Session& session,
             const TokenizerOptions& tokenizer);

 private:
  struct Loaded {
    std::filesystem::path path;
    LoadDepth depth;
    std::string pre_tokenizer;
    Model model;
  };
  std::optional<Loaded> last_;
};

/// What a file holds: a text, or a JSON array of token ids.
enum class TextForm : uint8_t { Text, Ids };
/// Token ids of a text, the model's first token (BOS) in front if the file asks for it, or the ids
/// as they stand in the file; no more than `most`. Throws Error: missing, not text, empty, an id
/// outside of the vocabulary.
std::vector<int32_t> read_tokens(const std::filesystem::path& path, TextForm form,
                                 std::optional<uint64_t> most, const Model& model);

/// --text or --ids, cut to --tokens.
struct TextOption {
  std::filesystem::path text, ids;
  std::optional<uint64_t> tokens;

  void declare(Options& options);
  /// Throws UsageError unless exactly one of the two is given; call it before the model is loaded.
  void check() const;
  const std::filesystem::path& path() const { return ids.empty() ? text : ids; }
  /// As read_tokens(); Throws Error too when they are more than the model's context has places for
  /// under `policy`.
  std::vector<int32_t> read(const Model& model, const PolicyChoice& policy) const;
  /// The same of any length, for texts that are not fed in one piece.
  std::vector<int32_t> read_any_length(const Model& model) const;
};

/// The bytes of a file of text. Throws Error: missing, unreadable, a folder, or with a byte 0,
/// which no text has.
std::string read_text_file(const std::filesystem::path& path);
/// The same of standard input.
std::string read_standard_input();

/// Throws UsageError: whatever is wrong with a spec is wrong with the command line.
PolicyChoice parse_policy(const std::string& spec);
inline constexpr const char* kPolicyHelp =
    "cache policy NAME:key=value,...; `dendrokv policies` lists them";

inline constexpr const char* kAuditHelp =
    "check the invariants of the run and print them, green or red; exit status 3 when one is red";
/// Whether a run is audited: it remembers its departures and what each query saw.
enum class Watch : uint8_t { No, Yes };

/// Mean over the lanes.
double mean_rows(uint64_t rows, const CacheRows& all);
/// "64 rows held by a lane, 64 read by a query"
std::string rows_text(const CacheRows& rows);

/// Places that keys are rotated to while so many tokens come: of the text under original positions,
/// ranks in the cache else.
uint64_t places_needed(uint64_t token_count, const Model& model, const PolicyChoice& policy);

/// `token_count` tokens must have places in the model's context: the text's own under original
/// positions, ranks in the cache else. `subject` names the text.
void check_context(const std::string& subject, uint64_t token_count, const Model& model,
                   const PolicyChoice& policy, const std::string& remedy);

/// Says where the budget of a policy holds a whole text: then nothing leaves.
void note_idle_policy(const Session& session, uint64_t token_count, const PolicyChoice& policy);

}  // namespace dendrokv
