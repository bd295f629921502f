// Attributes: texts of fixed length (UTF-8), numbers, lists of either. And datasets of texts.

#include <algorithm>
#include <cstring>
#include <hdf5.h>

#include "data/error.h"
#include "data/hdf5_library.h"

namespace dendrokv::h5 {
namespace {

// Bytes of all texts of a list. A command line has up to 2 MiB, more where it is quoted.
constexpr uint64_t kLongestText = 1 << 24;
constexpr uint64_t kLongestTable = 1 << 16;

Handle text_type(size_t size) {
  Handle type = own<H5Tclose>(H5Tcopy(H5T_C_S1), "text", "the type cannot be made");
  need(H5Tset_size(type.id(), std::max<size_t>(size, 1)), "text", "the type cannot be made");
  need(H5Tset_strpad(type.id(), H5T_STR_NULLPAD), "text", "the type cannot be made");
  need(H5Tset_cset(type.id(), H5T_CSET_UTF8), "text", "the type cannot be made");
  return type;
}

template <class Text>
size_t longest_of(std::span<const Text> texts) {
  size_t longest = 1;
  for (const Text& text : texts) longest = std::max(longest, text.size());
  return longest;
}

// Cells of one size, side by side.
template <class Text>
std::vector<char> cells_of(std::span<const Text> texts, size_t size) {
  std::vector<char> cells(std::max<size_t>(texts.size(), 1) * size, '\0');
  for (size_t i = 0; i < texts.size(); ++i)
    std::copy(texts[i].begin(), texts[i].end(),
              cells.begin() + static_cast<std::ptrdiff_t>(i * size));
  return cells;
}

std::vector<std::string> texts_of(const std::vector<char>& cells, uint64_t size) {
  std::vector<std::string> texts;
  for (uint64_t cell = 0; cell < cells.size(); cell += size)
    texts.emplace_back(cells.data() + cell, strnlen(cells.data() + cell, size));
  return texts;
}

// Room for so many texts of such a type. Throws Error when they are not texts, or too many.
std::vector<char> cells_for(const Handle& type, const Handle& space, const std::string& subject) {
  if (H5Tget_class(type.id()) != H5T_STRING || H5Tis_variable_str(type.id()) > 0)
    fail(subject, "is not a text of fixed length", "wanted one");
  const auto count =
      static_cast<uint64_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space.id()), 0));
  const uint64_t size = H5Tget_size(type.id());
  if (size == 0 || size > kLongestText || count > kLongestTable || size * count > kLongestText)
    fail(subject, std::to_string(count) + " texts of " + std::to_string(size) + " bytes",
         "wanted a short text");
  return std::vector<char>(size * count);
}

// One number of any integer or float type, converted by the library.
void read_scalar(const Handle& attribute, hid_t memory_type, void* data,
                 const std::string& subject) {
  const Handle space =
      own<H5Sclose>(H5Aget_space(attribute.id()), subject, "its shape cannot be read");
  const Handle type =
      own<H5Tclose>(H5Aget_type(attribute.id()), subject, "its type cannot be read");
  const H5T_class_t kind = H5Tget_class(type.id());
  if (H5Sget_simple_extent_npoints(space.id()) != 1 || (kind != H5T_INTEGER && kind != H5T_FLOAT))
    fail(subject, "is not a single number", "wanted one");
  need(H5Aread(attribute.id(), memory_type, data), subject, "reading failed");
}

}  // namespace

void File::put_attribute(std::string_view object, std::string_view name, int64_t type,
                         int64_t space, const void* data) {
  quieten();
  const std::string subject = at(object) + "@" + std::string(name);
  const std::string path(object), key(name);
  // Deleted first, because the new value may be longer.
  if (H5Aexists_by_name(handle_.id(), path.c_str(), key.c_str(), H5P_DEFAULT) > 0)
    need(H5Adelete_by_name(handle_.id(), path.c_str(), key.c_str(), H5P_DEFAULT), subject,
         "cannot be replaced");
  const Handle attribute =
      own<H5Aclose>(H5Acreate_by_name(handle_.id(), path.c_str(), key.c_str(), type, space,
                                      H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                    subject, "the attribute cannot be made");
  need(H5Awrite(attribute.id(), type, data), subject, "writing the attribute failed");
}

void File::write_attribute(std::string_view object, std::string_view name, std::string_view text) {
  const Handle type = text_type(text.size());
  const Handle space = own<H5Sclose>(H5Screate(H5S_SCALAR), at(object), "HDF5 has no memory");
  const std::string copy = text.empty() ? std::string(1, '\0') : std::string(text);
  put_attribute(object, name, type.id(), space.id(), copy.data());
}

void File::write_attribute(std::string_view object, std::string_view name, uint64_t number) {
  const Handle space = own<H5Sclose>(H5Screate(H5S_SCALAR), at(object), "HDF5 has no memory");
  put_attribute(object, name, H5T_STD_U64LE, space.id(), &number);
}

void File::write_attribute(std::string_view object, std::string_view name, double number) {
  const Handle space = own<H5Sclose>(H5Screate(H5S_SCALAR), at(object), "HDF5 has no memory");
  put_attribute(object, name, H5T_IEEE_F64LE, space.id(), &number);
}

void File::write_attribute(std::string_view object, std::string_view name,
                           std::span<const std::string_view> texts) {
  const size_t longest = longest_of(texts);
  const std::vector<char> cells = cells_of(texts, longest);
  const Handle type = text_type(longest);
  const uint64_t count[] = {texts.size()};
  const Handle space = simple_space(count, at(object));
  put_attribute(object, name, type.id(), space.id(), cells.data());
}

void File::write_attribute(std::string_view object, std::string_view name,
                           std::span<const float> table) {
  const uint64_t count[] = {table.size()};
  const Handle space = simple_space(count, at(object));
  put_attribute(object, name, H5T_IEEE_F32LE, space.id(), table.data());
}

bool File::has_attribute(std::string_view object, std::string_view name) const {
  quieten();
  return H5Aexists_by_name(base(), local(object).c_str(), std::string(name).c_str(), H5P_DEFAULT) >
         0;
}

Handle File::open_attribute(std::string_view object, std::string_view name) const {
  const std::string subject = at(object) + "@" + std::string(name);
  if (!has_attribute(object, name)) fail(subject, "is missing", "wanted an attribute of that name");
  return own<H5Aclose>(H5Aopen_by_name(base(), local(object).c_str(), std::string(name).c_str(),
                                       H5P_DEFAULT, H5P_DEFAULT),
                       subject, "cannot be opened");
}

std::vector<std::string> File::texts_attribute(std::string_view object,
                                               std::string_view name) const {
  const std::string subject = at(object) + "@" + std::string(name);
  const Handle attribute = open_attribute(object, name);
  const Handle type =
      own<H5Tclose>(H5Aget_type(attribute.id()), subject, "its type cannot be read");
  const Handle space =
      own<H5Sclose>(H5Aget_space(attribute.id()), subject, "its shape cannot be read");
  std::vector<char> cells = cells_for(type, space, subject);
  need(H5Aread(attribute.id(), type.id(), cells.data()), subject, "reading failed");
  return texts_of(cells, H5Tget_size(type.id()));
}

void File::write_texts(std::string_view path, std::span<const std::string> texts) {
  quieten();
  const std::string subject = at(path);
  const size_t longest = longest_of(texts);
  const std::vector<char> cells = cells_of(texts, longest);
  const Handle type = text_type(longest);
  const uint64_t count[] = {texts.size()};
  const Handle space = simple_space(count, subject);
  const Handle properties =
      own<H5Pclose>(H5Pcreate(H5P_DATASET_CREATE), subject, "HDF5 has no memory");
  need(H5Pset_obj_track_times(properties.id(), 0), subject, "cannot be set up");
  const Handle dataset =
      own<H5Dclose>(H5Dcreate2(handle_.id(), std::string(path).c_str(), type.id(), space.id(),
                               H5P_DEFAULT, properties.id(), H5P_DEFAULT),
                    subject, "the dataset cannot be made");
  if (!texts.empty())
    need(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, cells.data()), subject,
         "writing failed");
}

std::vector<std::string> File::read_texts(std::string_view path) const {
  const std::string subject = at(path);
  if (!has(path)) fail(subject, "is missing", "wanted a dataset of that name");
  const Handle dataset = own<H5Dclose>(H5Dopen2(base(), local(path).c_str(), H5P_DEFAULT), subject,
                                       "cannot be opened");
  const Handle type = own<H5Tclose>(H5Dget_type(dataset.id()), subject, "its type cannot be read");
  const Handle space =
      own<H5Sclose>(H5Dget_space(dataset.id()), subject, "its shape cannot be read");
  std::vector<char> cells = cells_for(type, space, subject);
  if (!cells.empty())
    need(H5Dread(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, cells.data()), subject,
         "reading failed");
  return texts_of(cells, H5Tget_size(type.id()));
}

std::string File::text_attribute(std::string_view object, std::string_view name) const {
  const std::vector<std::string> texts = texts_attribute(object, name);
  if (texts.size() != 1)
    fail(at(object) + "@" + std::string(name), std::to_string(texts.size()) + " texts",
         "wanted one");
  return texts[0];
}

uint64_t File::count_attribute(std::string_view object, std::string_view name) const {
  uint64_t number = 0;
  read_scalar(open_attribute(object, name), H5T_NATIVE_UINT64, &number,
              at(object) + "@" + std::string(name));
  return number;
}

double File::real_attribute(std::string_view object, std::string_view name) const {
  double number = 0;
  read_scalar(open_attribute(object, name), H5T_NATIVE_DOUBLE, &number,
              at(object) + "@" + std::string(name));
  return number;
}

std::vector<float> File::table_attribute(std::string_view object, std::string_view name) const {
  const std::string subject = at(object) + "@" + std::string(name);
  const Handle attribute = open_attribute(object, name);
  const Handle space =
      own<H5Sclose>(H5Aget_space(attribute.id()), subject, "its shape cannot be read");
  const hssize_t count = H5Sget_simple_extent_npoints(space.id());
  if (count < 0 || static_cast<uint64_t>(count) > kLongestTable)
    fail(subject, "is not a table of numbers", "wanted one");
  std::vector<float> table(static_cast<size_t>(count));
  need(H5Aread(attribute.id(), H5T_NATIVE_FLOAT, table.data()), subject, "reading failed");
  return table;
}

}  // namespace dendrokv::h5
