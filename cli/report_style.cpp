#include "cli/report_style.h"

#include <array>
#include <string_view>

#include "plot/colormap.h"

namespace dendrokv {
namespace {

constexpr std::string_view kStyle = R"(
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.55 Inter,"Segoe UI",system-ui,sans-serif}
main{max-width:980px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:26px;margin:0 0 4px;font-weight:650}h2{font-size:18px;margin:0 0 12px;font-weight:600}
p{margin:0 0 10px}.meta,.caption,figcaption{color:var(--secondary);font-size:13px}
section{background:var(--panel);border-radius:8px;padding:20px 24px;margin:16px 0;box-shadow:0 0 0 1px var(--rule)}
svg{max-width:100%;height:auto;display:block;margin:0 auto}
table{border-collapse:collapse;width:100%;font-size:13px}th,td{text-align:left;padding:6px 10px 6px 0;border-bottom:1px solid var(--rule);vertical-align:top}
th{font-weight:600;color:var(--secondary)}.n{text-align:right;font-variant-numeric:tabular-nums}
code{font:12.5px/1.5 "JetBrains Mono","DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.text{white-space:pre-wrap;line-height:1.9;font-size:14px}.text span{border-radius:3px;padding:1px 0}
sup{font-size:9px;color:var(--secondary);line-height:0;margin-right:1px}
.loop{white-space:nowrap}table code{overflow-wrap:normal}
.legend{font-size:13px;line-height:2}.legend span{border-radius:3px;padding:2px 6px;white-space:nowrap}
.gone{color:var(--evicted)}
.later{opacity:.35}[hidden]{display:none}
.pair{display:flex;flex-wrap:wrap;gap:16px;justify-content:space-evenly}.pair svg{margin:0;flex:0 1 auto;min-width:0}
.badge{display:inline-block;padding:1px 8px;border-radius:9px;border:1px solid var(--rule);white-space:nowrap;font-size:12.5px;color:var(--ink)}
.badge.yes{border-color:var(--series4);border-width:2px}.badge.no{border-color:var(--series3);border-style:dashed;border-width:2px}
.claims td:nth-child(2){min-width:200px}.range{color:var(--secondary);white-space:nowrap;display:block}
details{margin:12px 0 0;font-size:13px}summary{cursor:pointer;color:var(--secondary)}
.lead{font-size:16.5px;line-height:1.5}.lead li{margin:8px 0}
.scroll{overflow-x:auto}figcaption{margin-top:8px}
@media screen and (max-width:700px){main{padding:20px 8px 40px}section{padding:16px 14px}.scroll>svg{min-width:640px;max-width:none}.badge{white-space:normal}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}}
.controls{display:none;gap:8px 20px;flex-wrap:wrap;align-items:center;margin:0 0 10px;font-size:13px}.js .controls{display:flex}
.controls label{display:flex;gap:6px;align-items:center}.controls canvas{flex:1 0 100%;width:100%;height:14px;image-rendering:pixelated;border-radius:3px}
select,input{font:inherit;color:var(--ink);background:var(--panel);border:1px solid var(--secondary);border-radius:4px}
input[type=range]{width:220px}output{font-variant-numeric:tabular-nums;min-width:4em}
:focus-visible{outline:2px solid var(--series0);outline-offset:2px}
#tip{position:absolute;pointer-events:none;background:var(--ink);color:var(--panel);font-size:12.5px;line-height:1.45;padding:5px 9px;border-radius:5px;max-width:340px;white-space:pre-line;z-index:2;font-variant-numeric:tabular-nums}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;font-size:13px;margin:0}dt{color:var(--secondary)}dd{margin:0;overflow-wrap:anywhere}
li{margin:4px 0}ul{padding-left:20px;margin:0}
@page{margin:14mm}
@media print{body{background:#fff;font-size:10.5pt}section{box-shadow:none;padding:8px 0;border-radius:0;border-top:1px solid var(--rule)}main{max-width:none;padding:0}
svg,tr,.claims,.legend,dd{break-inside:avoid}h2,.legend{break-after:avoid}figcaption{break-inside:avoid;break-before:avoid}.scroll{overflow:visible}.text{orphans:3;widows:3}.pair{flex-wrap:nowrap}.pair svg{width:48%;height:auto}.js .controls,#tip{display:none}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)";

constexpr std::string_view kPictureStyle = R"(
svg text{font-family:Inter,"Segoe UI",system-ui,sans-serif;fill:var(--ink)}
.tick{font-size:12px;font-variant-numeric:tabular-nums}.axis-title{font-size:12.5px}
svg .tick,svg .axis-title{fill:var(--secondary)}
.rule{stroke:var(--rule)}.axis{stroke:var(--secondary)}
)";

std::string variable(const std::string& name, Rgb colour) {
  return "--" + name + ":" + to_hex(colour) + ";";
}

std::string theme_variables(Theme theme) {
  const Palette& colours = palette(theme);
  constexpr std::array<Rgb, 6> kLight = {{{29, 127, 140},
                                          {183, 121, 31},
                                          {85, 60, 154},
                                          {194, 65, 12},
                                          {43, 108, 176},
                                          {107, 118, 132}}};
  constexpr std::array<Rgb, 6> kDark = {{{103, 191, 165},
                                         {246, 190, 90},
                                         {183, 160, 240},
                                         {244, 140, 90},
                                         {120, 180, 240},
                                         {160, 170, 180}}};
  std::string css = variable("ground", colours.ground) + variable("panel", colours.panel) +
                    variable("ink", colours.ink) + variable("secondary", colours.secondary) +
                    variable("rule", colours.rule) + variable("evicted", colours.evicted_ink) +
                    variable("absent", colours.absent) + variable("hatch", colours.recent);
  for (size_t i = 0; i < colours.band.size(); ++i)
    css += variable("band" + std::to_string(i), colours.band[i]);
  const auto& series = theme == Theme::Light ? kLight : kDark;
  for (size_t i = 0; i < series.size(); ++i)
    css += variable("series" + std::to_string(i), series[i]);
  return css;
}

std::string token_rules(Theme theme) {
  const Palette& colours = palette(theme);
  const auto rule = [](const std::string& name, Rgb ground) {
    return "." + name + "{background:" + to_hex(ground) + ";color:" + to_hex(ink_on(ground)) + "}";
  };
  std::string css = rule("sink", colours.sink) + rule("recent", colours.recent);
  for (unsigned level = 0; level < colours.level.size(); ++level)
    css += rule("l" + std::to_string(level), colours.level[level]);
  return css;
}

}  // namespace

std::string page_style() {
  return "<style>:root{color-scheme:light dark;" + theme_variables(Theme::Light) + "}" +
         token_rules(Theme::Light) + "@media (prefers-color-scheme:dark){@media screen{:root{" +
         theme_variables(Theme::Dark) + "}" + token_rules(Theme::Dark) + "}}" +
         std::string(kStyle) + std::string(kPictureStyle) + "</style>\n";
}

std::string picture_style() {
  return "<style>svg{" + theme_variables(Theme::Light) + "background:var(--panel)}" +
         std::string(kPictureStyle) + "</style>\n";
}

}  // namespace dendrokv
