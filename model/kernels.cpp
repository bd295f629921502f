#include "model/kernels.h"

#include <algorithm>
#include <string>
#include <vector>

#include "data/error.h"
#include "model/kernels_isa.h"

namespace dendrokv {

namespace {

bool always() {
  return true;
}

// The builtins look at the processor and at what the operating system saves.
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vnni");
}

struct IsaRow {
  Isa isa;
  std::string_view name;
  bool (*available)();
  const Kernels& kernels;
};

// Slowest first. To add an instruction set: a file with its vectors (kernels_scalar.cpp says what
// they do) and its compiler flags in CMakeLists.txt, its table in kernels_isa.h, an enumerator, a
// row here. kernels_test.cpp compares every row with the first.
const IsaRow kIsaTable[] = {
    {Isa::Scalar, "scalar", always, kScalarKernels},
    {Isa::Avx2, "avx2", has_avx2, kAvx2Kernels},
    {Isa::Avx512, "avx512", has_avx512, kAvx512Kernels},
};

const IsaRow& row_of(Isa isa) {
  const auto row = std::ranges::find(kIsaTable, isa, &IsaRow::isa);
  DENDROKV_ASSERT(row != std::end(kIsaTable));
  return *row;
}

}  // namespace

Isa best_isa() {
  Isa best = Isa::Scalar;
  for (const IsaRow& row : kIsaTable)
    if (row.available()) best = row.isa;
  return best;
}

std::string_view isa_name(Isa isa) {
  return row_of(isa).name;
}

Isa parse_isa(std::string_view name) {
  std::vector<std::string_view> names;
  for (const IsaRow& row : kIsaTable) {
    names.push_back(row.name);
    if (row.name != name) continue;
    if (!row.available())
      fail("instruction set " + std::string(name), "this machine does not have it",
           "wanted one that it has", "the best here is " + std::string(isa_name(best_isa())));
    return row.isa;
  }
  fail("instruction set " + std::string(name), "not known", "wanted a name from the table",
       did_you_mean(name, names));
}

const Kernels& kernels_for(Isa isa) {
  const IsaRow& row = row_of(isa);
  DENDROKV_ASSERT(row.available());
  return row.kernels;
}

}  // namespace dendrokv
