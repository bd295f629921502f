// Build step: writes the manual page and the shell completion into the folder that is named.

#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "cli/manual.h"

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) throw std::runtime_error(path.string() + ": cannot be written");
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  try {
    const std::filesystem::path folder = words[1];
    write(folder / "dendrokv.1", dendrokv::manual_page());
    write(folder / "dendrokv.bash", dendrokv::bash_completion());
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
