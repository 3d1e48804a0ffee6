"use strict";
(() => {
  const charts = [...document.querySelectorAll(".chart")];
  const config = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // text and grid follow the page, so that one figure serves light, dark and print
  const look = (layout) => {
    const change = { "font.color": colour("--ink"), "font.family": "system-ui, sans-serif" };
    for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      change[`${axis}.gridcolor`] = colour("--line");
      change[`${axis}.linecolor`] = colour("--line");
    }
    return change;
  };
  const repaint = () => charts.forEach((place) => Plotly.relayout(place, look(place.layout)));

  for (const place of charts) {
    const { data, layout } = JSON.parse(place.nextElementSibling.textContent);
    Plotly.newPlot(place, data, layout, config).then(() => Plotly.relayout(place, look(layout)));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  matchMedia("print").addEventListener("change", () => {
    repaint();
    charts.forEach((place) => Plotly.Plots.resize(place));
  });
})();
