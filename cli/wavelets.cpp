// dendrokv wavelets: the table of wavelets.

#include "analysis/wavelets.h"

#include <iostream>

#include "analysis/continuous_wavelets.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/make_command.h"

namespace dendrokv {
namespace {

std::string_view orthogonality_name(const Wavelet& wavelet) {
  return wavelet.orthogonality == Orthogonality::Orthogonal ? "orthogonal" : "biorthogonal";
}

Json table_json() {
  Json discrete = Json::array();
  for (const std::string_view name : wavelet_names()) {
    const Wavelet wavelet = find_wavelet(name);
    discrete.add(Json::object()
                     .set("name", name)
                     .set("summary", family_summary(wavelet.family))
                     .set("kind", orthogonality_name(wavelet))
                     .set("taps", wavelet.length())
                     .set("vanishing_moments", wavelet.vanishing_moments));
  }
  Json continuous = Json::array();
  for (const ContinuousRow& row : continuous_wavelets())
    continuous.add(Json::object()
                       .set("name", row.name)
                       .set("summary", row.summary)
                       .set("parameters", row.parameters));
  return Json::object().set("wavelets", discrete).set("continuous", continuous);
}

std::string table_text() {
  TextTable discrete, continuous;
  for (const std::string_view name : wavelet_names()) {
    const Wavelet wavelet = find_wavelet(name);
    discrete.row(
        {std::string(name), std::to_string(wavelet.length()) + " taps",
         wavelet.vanishing_moments == 0 ? "-"
                                        : std::to_string(wavelet.vanishing_moments) + " moments",
         std::string(orthogonality_name(wavelet)), std::string(family_summary(wavelet.family))});
  }
  for (const ContinuousRow& row : continuous_wavelets())
    continuous.row({std::string(row.name), std::string(row.parameters), std::string(row.summary)});
  return "discrete: name, taps, vanishing moments, kind, what it is\n" + discrete.text(2) +
         "\ncontinuous: name, parameters (default), what it is\n" + continuous.text(2) +
         "\nA continuous wavelet is written NAME or NAME:parameters, as morlet:6 or morse:20,3.\n";
}

class Wavelets : public Command {
 public:
  void declare(Options& options) override { options.example("dendrokv wavelets"); }

  ExitStatus run(const Session& session) override {
    std::cout << (session.json() ? table_json().text() + "\n" : table_text());
    return ExitStatus::Done;
  }
};

}  // namespace

std::unique_ptr<Command> make_wavelets() {
  return std::make_unique<Wavelets>();
}

}  // namespace dendrokv
