#include "data/identity.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include <array>
#include <chrono>
#include <ctime>
#include <fstream>
#include <memory>
#include <span>
#include <vector>

#include "data/error.h"

namespace dendrokv {
namespace {

std::string hex(std::span<const unsigned char> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace

std::string new_uuid() {
  std::array<unsigned char, 16> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    fail("random numbers", "the system gave none", "wanted 16 bytes for a uuid");
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0F) | 0x40);  // version 4
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);  // variant 1
  const std::string digits = hex(bytes);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    text += digits[i];
  }
  return text;
}

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

std::string sha256_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path.string(), "cannot be read", "wanted a file to hash");
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  DENDROKV_ASSERT(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  std::vector<char> buffer(size_t{1} << 20);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    DENDROKV_ASSERT(EVP_DigestUpdate(context.get(), buffer.data(), static_cast<size_t>(file.gcount())) == 1);
  }
  if (file.bad()) fail(path.string(), "reading broke off", "wanted the whole file to hash");
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  DENDROKV_ASSERT(EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1);
  return hex({digest.data(), size});
}

std::string creator_name() { return "dendrokv 0.1.0"; }

}  // namespace dendrokv
