#include "tests/support/hdf5_damage.h"

#include <hdf5.h>
#include <stdexcept>

namespace dendrokv::testing {
namespace {

hid_t need(hid_t id, const std::string& what) {
  if (id < 0) throw std::runtime_error(what + " failed");
  return id;
}

/// Whatever the library's handle is, closed at the end.
class Closing {
 public:
  Closing(hid_t id, herr_t (*close)(hid_t), const std::string& what)
      : id_(need(id, what)), close_(close) {}
  ~Closing() { close_(id_); }
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

Closing opened(const std::filesystem::path& file) {
  return {H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), H5Fclose, "opening " + file.string()};
}

void write_attribute(const std::filesystem::path& path, const std::string& object,
                     const std::string& name, hid_t type, const void* value) {
  const Closing file = opened(path);
  if (H5Aexists_by_name(file, object.c_str(), name.c_str(), H5P_DEFAULT) > 0)
    H5Adelete_by_name(file, object.c_str(), name.c_str(), H5P_DEFAULT);
  const Closing space(H5Screate(H5S_SCALAR), H5Sclose, "a space");
  const Closing attribute(H5Acreate_by_name(file, object.c_str(), name.c_str(), type, space,
                                            H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                          H5Aclose, "the attribute " + name);
  need(H5Awrite(attribute, type, value), "writing " + name);
}

template <class Use>
void with_element(const std::filesystem::path& path, const std::string& name,
                  const std::vector<uint64_t>& at, Use use) {
  const Closing file = opened(path);
  const Closing dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose, "opening " + name);
  const Closing space(H5Dget_space(dataset), H5Sclose, "its shape");
  const std::vector<hsize_t> start(at.begin(), at.end()), count(at.size(), 1);
  need(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
       "selecting");
  const hsize_t one = 1;
  const Closing memory(H5Screate_simple(1, &one, nullptr), H5Sclose, "a space");
  use(dataset, memory, space);
}

}  // namespace

void set_attribute(const std::filesystem::path& file, const std::string& object,
                   const std::string& name, const std::string& text) {
  const Closing type(H5Tcopy(H5T_C_S1), H5Tclose, "a type");
  need(H5Tset_size(type, text.empty() ? 1 : text.size()), "a type");
  need(H5Tset_strpad(type, H5T_STR_NULLPAD), "a type");
  need(H5Tset_cset(type, H5T_CSET_UTF8), "a type");
  const std::string value = text.empty() ? std::string(1, '\0') : text;
  write_attribute(file, object, name, type, value.data());
}

void set_attribute(const std::filesystem::path& file, const std::string& object,
                   const std::string& name, uint64_t number) {
  write_attribute(file, object, name, H5T_NATIVE_UINT64, &number);
}

void remove_object(const std::filesystem::path& path, const std::string& object) {
  const Closing file = opened(path);
  need(H5Ldelete(file, object.c_str(), H5P_DEFAULT), "removing " + object);
}

double element(const std::filesystem::path& file, const std::string& dataset,
               const std::vector<uint64_t>& at) {
  double value = 0;
  with_element(file, dataset, at, [&](hid_t data, hid_t memory, hid_t space) {
    need(H5Dread(data, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, &value), "reading");
  });
  return value;
}

void set_element(const std::filesystem::path& file, const std::string& dataset,
                 const std::vector<uint64_t>& at, double value) {
  with_element(file, dataset, at, [&](hid_t data, hid_t memory, hid_t space) {
    need(H5Dwrite(data, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, &value), "writing");
  });
}

}  // namespace dendrokv::testing
