#include "data/set_file.h"

#include <algorithm>

#include "data/error.h"
#include "data/file_root.h"
#include "data/identity.h"

namespace dendrokv {
namespace {

constexpr std::string_view kFormat = "dendrokv-set";
constexpr uint64_t kMostItems = uint64_t{1} << 24;

std::string group_of(uint64_t order) {
  return "/item/" + std::to_string(order);
}

// Of the tasks and nothing else.
std::string uuid_of(const FileSet& set) {
  std::string tasks;
  for (const SetItem& item : set.items) tasks += item.key + item.error + "\n";
  return uuid_of_text(tasks + set.shard);
}

void write_item(h5::File& file, const SetItem& item) {
  const std::string group = group_of(item.order);
  if (item.format.empty())
    file.create_group(group);
  else
    file.copy_from(h5::File::open(item.file), group);
  // A member of another set has them; writing them again would leave gaps, and copies of copies
  // would differ.
  if (file.has_attribute(group, "task_key")) return;
  file.write_attribute(group, "task_order", item.order);
  file.write_attribute(group, "task_key", item.key);
  file.write_attribute(group, "task", item.task);
  file.write_attribute(group, "task_error", item.error);
}

SetItem read_item(const h5::File& file, const std::filesystem::path& path, uint64_t order) {
  const std::string group = group_of(order);
  SetItem item;
  item.order = order;
  item.key = file.text_attribute(group, "task_key");
  item.task = file.text_attribute(group, "task");
  item.error = file.text_attribute(group, "task_error");
  if (file.has_attribute(group, "format")) item.format = file.text_attribute(group, "format");
  item.file = path / group.substr(1);
  return item;
}

std::string root_attribute(const std::filesystem::path& path, const char* name) {
  const h5::File file = h5::File::open(path);
  if (!file.has_attribute("/", name))
    fail(path.string(), "is an HDF5 file without the attribute '" + std::string(name) + "'",
         "wanted a file that dendrokv wrote");
  return file.text_attribute("/", name);
}

}  // namespace

void write_set(const std::filesystem::path& path, FileSet set) {
  std::ranges::sort(set.items, {}, &SetItem::order);
  if (set.uuid.empty()) set.uuid = uuid_of(set);
  if (set.created.empty()) set.created = reproducible_time();
  std::filesystem::path part = path;
  part += ".part";
  h5::File file = h5::File::create(part);
  FileRoot root{set.uuid, set.created, set.creator, set.command_line};
  write_root(file, kFormat, root);
  file.write_attribute("/", "tasks", set.tasks);
  file.write_attribute("/", "shard", set.shard);
  file.create_group("/item");
  std::vector<uint64_t> orders;
  for (const SetItem& item : set.items) orders.push_back(item.order);
  h5::Dataset order =
      file.create_dataset("/order", h5::Type::U64, {orders.size()}, {}, h5::Fill::Zero);
  if (!orders.empty()) order.write(orders.data());
  for (const SetItem& item : set.items) write_item(file, item);
  mark_complete(file);
  file.close();
  h5::publish(part, path);
}

FileSet read_set(const std::filesystem::path& path) {
  const h5::File file = h5::File::open(path);
  const FileRoot root = read_root(file, kFormat);
  if (!is_complete(file))
    fail(file.name(), "is not complete", "wanted a finished set", "run its tasks again");
  FileSet set{root.uuid, root.created, root.creator, root.command_line, 0, {}, {}};
  set.tasks = file.count_attribute("/", "tasks");
  set.shard = file.text_attribute("/", "shard");
  const h5::Dataset orders = file.open_dataset("/order", h5::Type::U64, {UINT64_MAX});
  if (orders.elements() > kMostItems)
    fail(orders.subject(), std::to_string(orders.elements()) + " items", "wanted fewer");
  for (const uint64_t order : orders.read_all<uint64_t>())
    set.items.push_back(read_item(file, path, order));
  return set;
}

std::string format_of(const std::filesystem::path& path) {
  return root_attribute(path, "format");
}

std::string uuid_of_file(const std::filesystem::path& path) {
  return root_attribute(path, "uuid");
}

}  // namespace dendrokv
