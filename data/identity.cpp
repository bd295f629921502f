#include "data/identity.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <memory>
#include <openssl/evp.h>
#include <span>
#include <sys/random.h>
#include <vector>

#include "data/error.h"
#include "data/regular_file.h"

namespace dendrokv {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

std::string hex(std::span<const uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

void fill_random(std::span<uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("random numbers of the system", std::strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(got));
  }
}

struct DigestDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    check(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr));
  }
  void add(std::span<const char> bytes) {
    check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
  }
  std::string finish() {
    std::array<uint8_t, 32> digest{};
    unsigned size = 0;
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), &size));
    DENDROKV_ASSERT(size == digest.size());
    return hex(digest);
  }

 private:
  static void check(int ok) {
    if (!ok) fail("sha-256", "libcrypto refuses to compute it");
  }
  std::unique_ptr<EVP_MD_CTX, DigestDeleter> context_;
};

/// Version and variant of RFC 9562 over 32 hexadecimal digits.
std::string uuid_text(std::string digits, char version) {
  static constexpr std::string_view kVariants = "89ab89ab89ab89ab", kDigits = "0123456789abcdef";
  digits[12] = version;
  digits[16] = kVariants[kDigits.find(digits[16])];
  for (const size_t dash : {8u, 13u, 18u, 23u}) digits.insert(dash, 1, '-');
  return digits;
}

std::string time_text(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

std::string new_uuid() {
  std::array<uint8_t, 16> bytes{};
  fill_random(bytes);
  return uuid_text(hex(bytes), '4');
}

std::string uuid_of_text(std::string_view text) {
  return uuid_text(sha256_of_text(text).substr(0, 32), '8');
}

std::string utc_now() {
  return time_text(std::time(nullptr));
}

std::string reproducible_time() {
  const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
  if (epoch == nullptr) return time_text(0);
  const std::string_view text = epoch;
  std::time_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0)
    fail("$SOURCE_DATE_EPOCH", "'" + std::string(text) + "'", "wanted seconds since 1970");
  return time_text(seconds);
}

std::string sha256_of_text(std::string_view text) {
  Sha256 digest;
  digest.add(text);
  return digest.finish();
}

std::string sha256_of(const std::filesystem::path& path) {
  check_regular_file(path, "a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path.string(), std::strerror(errno), "wanted a readable file");
  Sha256 digest;
  std::vector<char> buffer(kReadBytes);
  do {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.add({buffer.data(), static_cast<size_t>(file.gcount())});
  } while (file);
  // Opening a folder succeeds; only reading it fails.
  if (file.bad() || !file.eof()) fail(path.string(), "cannot be read", "wanted a readable file");
  return digest.finish();
}

std::string creator_name() {
  return "dendrokv " DENDROKV_VERSION;
}

}  // namespace dendrokv
