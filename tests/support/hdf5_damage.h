#pragma once
// Changes a finished HDF5 file, for tests of what notices: plain library calls, which no code of
// ours makes.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace dendrokv::testing {

void set_attribute(const std::filesystem::path& file, const std::string& object,
                   const std::string& name, const std::string& text);
void set_attribute(const std::filesystem::path& file, const std::string& object,
                   const std::string& name, uint64_t number);
void remove_object(const std::filesystem::path& file, const std::string& path);

/// One element, converted from and to the type of the dataset.
double element(const std::filesystem::path& file, const std::string& dataset,
               const std::vector<uint64_t>& at);
void set_element(const std::filesystem::path& file, const std::string& dataset,
                 const std::vector<uint64_t>& at, double value);

}  // namespace dendrokv::testing
