// Charts carry their numbers in <metadata> (plot/line_chart.h), cells and tokens their words in
// <title> and title; the token map carries the record of its lanes (cli/report_tokens.cpp). The
// script only shows what is there.

#include "cli/report_script.h"

namespace dendrokv {

std::string_view report_script() {
  return R"JS(
"use strict";
document.documentElement.classList.add("js");
const tip = document.createElement("div");
tip.id = "tip"; tip.hidden = true; tip.setAttribute("role", "status");
document.body.append(tip);
function show(text, event) {
  tip.textContent = text; tip.hidden = false;
  const right = event.pageX + 14 + tip.offsetWidth > document.documentElement.clientWidth;
  tip.style.left = (right ? event.pageX - 14 - tip.offsetWidth : event.pageX + 14) + "px";
  tip.style.top = (event.pageY + 14) + "px";
}
function digits(value) { return value === null ? "-" : Number(value.toPrecision(3)).toString(); }
const namespace = "http://www.w3.org/2000/svg";
for (const svg of document.querySelectorAll("svg")) {
  const holder = svg.querySelector("metadata");
  if (holder) curves(svg, JSON.parse(holder.textContent)); else cells(svg);
}
function curves(svg, chart) {
  const [left, top, width, height] = chart.frame, [first, last] = chart.data;
  const line = document.createElementNS(namespace, "line");
  line.setAttribute("class", "axis"); line.setAttribute("y1", top); line.setAttribute("y2", top + height); line.style.display = "none";
  svg.append(line);
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    const share = (x - left) / width;
    if (share < 0 || share > 1) { leave(); return; }
    const at = chart.kind === "log" ? first * Math.pow(last / first, share) : first + share * (last - first);
    const lines = [];
    for (const one of chart.series) {
      let best = 0;
      one.x.forEach((value, i) => { if (Math.abs(value - at) < Math.abs(one.x[best] - at)) best = i; });
      if (one.x.length) lines.push([one.x[best], one.name + ": " + digits(one.y[best])]);
    }
    line.setAttribute("x1", x); line.setAttribute("x2", x); line.style.display = "";
    show(chart.title + " " + digits(lines.length ? lines[0][0] : at) + "\n" + lines.map(l => l[1]).join("\n"), event);
  });
  function leave() { tip.hidden = true; line.style.display = "none"; }
  svg.addEventListener("pointerleave", leave);
}
function cells(svg) {
  const names = new Map();
  for (const title of svg.querySelectorAll("rect > title")) { names.set(title.parentNode, title.textContent); title.remove(); }
  svg.addEventListener("pointermove", event => {
    const name = names.get(event.target);
    if (name) show(name, event); else tip.hidden = true;
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; });
}
for (const root of document.querySelectorAll(".tokens")) tokens(root);
function numbers(text) {
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return new Int32Array(bytes.buffer);
}
function tokens(root) {
  const data = JSON.parse(root.querySelector("script").textContent);
  const left = numbers(data.left), rival = numbers(data.rival);
  const control = name => root.querySelector("[data-c=" + name + "]");
  const layer = control("layer"), lane = control("lane"), step = control("step"), at = control("at"), map = control("map");
  const spans = [...root.querySelectorAll("[data-t]")], count = spans.length;
  const levels = new Uint16Array(count);
  function state(p, base, now) {
    if (p > now) return "gone later";
    const gone = left[base + p];
    if (gone >= 0 && gone <= now) return "gone";
    if (p < data.sinks) return "sink";
    if (p + data.recent > now) return "recent";
    return "l" + Math.min(levels[p], 8);
  }
  function update() {
    const base = (layer.selectedIndex * lane.length + lane.selectedIndex) * count, now = Number(step.value);
    levels.fill(0);
    for (let p = 0; p < count; ++p)
      if (rival[base + p] >= 0 && left[base + p] <= now) ++levels[rival[base + p]];
    const counts = {};
    const pixels = map.getContext("2d");
    pixels.clearRect(0, 0, count, 1);
    const colours = {};
    for (let p = 0; p < count; ++p) {
      const name = state(p, base, now), span = spans[p];
      span.className = name;
      span.nextSibling.textContent = name[0] === "l" && name !== "later" ? levels[p] : "";
      const gone = left[base + p];
      span.title = "position " + p + (gone < 0 ? ", kept" : ", left at step " + gone) +
        (rival[base + p] < 0 ? "" : ", lost to \u201c" + spans[rival[base + p]].textContent + "\u201d at " + rival[base + p]);
      counts[name] = (counts[name] || 0) + 1;
      if (!(name in colours)) colours[name] = getComputedStyle(span).backgroundColor;
      pixels.fillStyle = colours[name];
      pixels.fillRect(p, 0, 1, 1);
    }
    for (const cell of root.querySelectorAll("[data-n]")) cell.textContent = counts[cell.dataset.n] || 0;
    root.querySelector(".later").hidden = !counts["gone later"];
    at.textContent = now;
  }
  for (const input of [layer, lane, step]) input.addEventListener("input", update);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
  update();
}
)JS";
}

}  // namespace dendrokv
