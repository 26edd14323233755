// Bars, drawn from the table in the page, which stays there for those who read figures.

const SVG = "http://www.w3.org/2000/svg";
const short = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumSignificantDigits: 3 });

export function drawCharts(root) {
  for (const figure of root.querySelectorAll("figure[data-chart]")) draw(figure);
}

function draw(figure) {
  const table = figure.querySelector("table");
  const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const rows = [...table.tBodies[0].rows].map((row) => ({
    label: row.cells[0].textContent,
    values: [...row.cells].slice(1).map((cell) => Number(cell.dataset.value)),
    shown: [...row.cells].slice(1).map((cell) => cell.textContent),
  }));
  const money = Number(figure.dataset.money) - 1;
  const tabs = element("div", { class: "chart-tabs" });
  const place = element("div", {});
  let chosen = 0;
  const paint = () => {
    place.replaceChildren(bars(rows, chosen, names[chosen], chosen === money, place.clientWidth || 640));
    for (const [index, button] of [...tabs.children].entries()) button.setAttribute("aria-pressed", String(index === chosen));
  };
  names.forEach((name, index) => {
    const button = element("button", { type: "button" });
    button.textContent = name;
    button.addEventListener("click", () => { chosen = index; paint(); });
    tabs.append(button);
  });
  figure.prepend(tabs, place);
  paint();
  new ResizeObserver(paint).observe(place);
}

function bars(rows, series, name, isMoney, width) {
  const height = 210, left = 46, bottom = 22, top = 8;
  const most = Math.max(...rows.map((row) => row.values[series]), 1);
  const ceiling = niceCeiling(most);
  const svg = svgElement("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name });
  const y = (value) => top + (height - top - bottom) * (1 - value / ceiling);
  for (const part of [0, 0.5, 1]) {
    const at = y(ceiling * part);
    svg.append(svgElement("line", { class: "grid", x1: left, x2: width, y1: at, y2: at }));
    const text = svgElement("text", { x: left - 6, y: at + 4, "text-anchor": "end" });
    text.textContent = isMoney ? `$${short.format((ceiling * part) / 1e9)}` : short.format(ceiling * part);
    svg.append(text);
  }
  const step = Math.max(width - left, 1) / rows.length;
  const every = Math.max(1, Math.ceil(64 / step));
  rows.forEach((row, index) => {
    const x = left + step * index;
    const gap = Math.min(step * 0.2, 8);
    const tall = y(0) - y(row.values[series]);
    const broad = Math.max(Math.min(step - gap, 60), 0.5);
    svg.append(svgElement("rect", { class: `s${(series % 4) + 1}`, x: x + (step - broad) / 2, y: y(row.values[series]), width: broad, height: Math.max(tall, row.values[series] > 0 ? 1.5 : 0), rx: Math.min(3, tall / 2) }));
    const hit = svgElement("rect", { class: "hit", x, y: top, width: step, height: height - top - bottom });
    const title = svgElement("title", {});
    title.textContent = `${row.label}: ${row.shown[series]}`;
    hit.append(title);
    svg.append(hit);
    if (index % every === 0) {
      const text = svgElement("text", { x: x + step / 2, y: height - 6, "text-anchor": "middle" });
      text.textContent = row.label;
      svg.append(text);
    }
  });
  return svg;
}

// The least of 1, 2 and 5 times a power of ten that is not below.
function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((part) => part * power).find((round) => round >= value);
}

function element(name, attributes) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function svgElement(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
