#include "data/hdf5_library.h"

#include <hdf5.h>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "data/error.h"

namespace dendrokv::h5 {
namespace {

static_assert(std::is_same_v<hid_t, int64_t> && std::is_same_v<herr_t, int>);

constexpr Type kTypes[] = {Type::U8,  Type::I32, Type::U64, Type::F16,
                           Type::F32, Type::F64, Type::U32, Type::U16};

// Called for each entry of the error stack; keeps the words of the system, where an entry quotes
// them.
herr_t keep_system_message(unsigned, const H5E_error2_t* entry, void* kept) {
  constexpr std::string_view kQuote = "error message = '";
  const std::string_view text = entry->desc ? entry->desc : "";
  const size_t quote = text.find(kQuote);
  if (quote == std::string_view::npos) return 0;
  const std::string_view message = text.substr(quote + kQuote.size());
  *static_cast<std::string*>(kept) = message.substr(0, message.find('\''));
  return 0;
}

Handle half_type() {
  Handle type = own<H5Tclose>(H5Tcopy(H5T_IEEE_F32LE), "float16", "the type cannot be made");
  // Fields first: a smaller size would cut off those of float32.
  need(H5Tset_fields(type.id(), 15, 10, 5, 0, 10), "float16", "the type cannot be made");
  need(H5Tset_size(type.id(), 2), "float16", "the type cannot be made");
  need(H5Tset_ebias(type.id(), 15), "float16", "the type cannot be made");
  return type;
}

hid_t standard_type(Type type) {
  switch (type) {
    case Type::U8:
      return H5T_STD_U8LE;
    case Type::U16:
      return H5T_STD_U16LE;
    case Type::I32:
      return H5T_STD_I32LE;
    case Type::U32:
      return H5T_STD_U32LE;
    case Type::U64:
      return H5T_STD_U64LE;
    case Type::F32:
      return H5T_IEEE_F32LE;
    case Type::F64:
      return H5T_IEEE_F64LE;
    case Type::F16:
      break;
  }
  DENDROKV_ASSERT(!"a type of the library");
  return -1;
}

}  // namespace

void quieten() {
  // Before anything else of the library. Version 1.10 crashes in its clean-up at exit when a file
  // could not be closed because the disk was full; all that is ours is closed by then.
  [[maybe_unused]] static const herr_t no_clean_up = H5dont_atexit();
  thread_local bool quiet = false;
  if (quiet) return;
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  H5PLset_loading_state(0);
  quiet = true;
}

void need(int64_t result, const std::string& subject, const char* failure) {
  if (result >= 0) return;
  std::string system;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_system_message, &system);
  if (system.empty()) fail(subject, failure, "wanted a sound file");
  fail(subject, std::string(failure) + ": " + system);
}

size_t type_bytes(Type type) {
  constexpr size_t kBytes[] = {1, 4, 8, 2, 4, 8, 4, 2};
  return kBytes[static_cast<size_t>(type)];
}

std::string_view type_name(Type type) {
  constexpr std::string_view kNames[] = {"uint8",   "int32",   "uint64", "float16",
                                         "float32", "float64", "uint32", "uint16"};
  return kNames[static_cast<size_t>(type)];
}

Handle library_type(Type type) {
  if (type == Type::F16) return half_type();
  return own<H5Tclose>(H5Tcopy(standard_type(type)), "element type", "cannot be made");
}

Type our_type(int64_t id, const std::string& subject) {
  for (const Type type : kTypes)
    if (H5Tequal(id, library_type(type).id()) > 0) return type;
  fail(subject, "has another element type",
       "wanted uint8, uint32, uint64, int32, float16, float32 or float64, little-endian");
}

Handle simple_space(std::span<const uint64_t> shape, const std::string& subject) {
  const std::vector<hsize_t> extents(shape.begin(), shape.end());
  return own<H5Sclose>(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr),
                       subject, "its shape cannot be made");
}

Handle::~Handle() {
  close();
}

Handle::Handle(Handle&& other) noexcept
    : id_(std::exchange(other.id_, -1)), close_(std::exchange(other.close_, nullptr)) {}

Handle& Handle::operator=(Handle&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(close_, other.close_);
  return *this;
}

int Handle::close() {
  quieten();
  const int64_t id = std::exchange(id_, -1);
  return id >= 0 && close_ ? close_(id) : 0;
}

}  // namespace dendrokv::h5
