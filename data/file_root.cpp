#include "data/file_root.h"

#include "data/error.h"
#include "data/identity.h"

namespace dendrokv {

void write_root(h5::File& file, std::string_view format, FileRoot& root) {
  if (root.uuid.empty()) root.uuid = new_uuid();
  if (root.created.empty()) root.created = utc_now();
  if (root.creator.empty()) root.creator = creator_name();
  file.write_attribute("/", "format", format);
  file.write_attribute("/", "format_version", kFormatVersion);
  file.write_attribute("/", "uuid", root.uuid);
  file.write_attribute("/", "created", root.created);
  file.write_attribute("/", "creator", root.creator);
  file.write_attribute("/", "command_line", root.command_line);
  file.write_attribute("/", "complete", uint64_t{0});
}

void mark_complete(h5::File& file) {
  file.write_attribute("/", "complete", uint64_t{1});
}

bool is_complete(const h5::File& file) {
  return file.count_attribute("/", "complete") == 1;
}

FileRoot read_root(const h5::File& file, std::string_view format) {
  if (!file.has_attribute("/", "format"))
    fail(file.name(), "has no attribute 'format'", "wanted a " + std::string(format) + " file");
  const std::string found = file.text_attribute("/", "format");
  if (found != format)
    fail(file.name(), "is a " + found + " file", "wanted " + std::string(format));
  const uint64_t version = file.count_attribute("/", "format_version");
  if (version == 0 || version > kFormatVersion)
    fail(file.name(), "has format version " + std::to_string(version),
         "wanted " + std::to_string(kFormatVersion) + " or older", "read it with a newer dendrokv");
  return {file.text_attribute("/", "uuid"), file.text_attribute("/", "created"),
          file.text_attribute("/", "creator"), file.text_attribute("/", "command_line")};
}

void write_default_plot(h5::File& file, std::string_view signal,
                        std::span<const DefaultAxis> axes) {
  file.write_attribute("/", "NX_class", "NXroot");
  file.write_attribute("/", "default", "entry");
  file.create_group("/entry");
  file.write_attribute("/entry", "NX_class", "NXentry");
  file.write_attribute("/entry", "default", "overview");
  file.create_group("/entry/overview");
  file.write_attribute("/entry/overview", "NX_class", "NXdata");
  const std::string signal_name(signal.substr(signal.rfind('/') + 1));
  file.write_attribute("/entry/overview", "signal", signal_name);
  file.link(signal, "/entry/overview/" + signal_name);
  std::vector<std::string_view> names;
  for (const DefaultAxis& axis : axes) {
    names.push_back(axis.name);
    file.link(axis.target, "/entry/overview/" + axis.name);
  }
  if (!names.empty()) file.write_attribute("/entry/overview", "axes", names);
}

void write_in_place(const std::filesystem::path& path, Stage stage,
                    const std::function<void(h5::File& file)>& write) {
  std::filesystem::path part = path, fresh = path;
  part += ".part";
  fresh += ".part.new";
  std::error_code ignored;
  try {
    h5::File file = h5::File::create(fresh);
    write(file);
    file.close();
  } catch (...) {
    std::filesystem::remove(fresh, ignored);
    throw;
  }
  h5::publish(fresh, stage == Stage::Whole ? path : part);
  if (stage == Stage::Whole) std::filesystem::remove(part, ignored);
}

}  // namespace dendrokv
