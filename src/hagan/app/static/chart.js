// Curves as SVG: one picture for each player's losses.
import { make, number } from "./page.js";

const COLOURS = ["#58a6ff", "#f0b040", "#4cc38a", "#ff7b72", "#a894ff", "#39c5cf", "#e685c4", "#c9d1d9"];
const WIDTH = 440, HEIGHT = 220, LEFT = 44, RIGHT = 16, TOP = 8, BOTTOM = 24;

function svg(tag, properties, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step) {
    found.push(Number(value.toPrecision(12)));
  }
  return found;
}

// The means of equal stretches, so that a long run is a line and no band.
function smoothed(points, most = 400) {
  const size = Math.ceil(points.length / most);
  if (size <= 1) return points;
  const found = [];
  for (let first = 0; first < points.length; first += size) {
    const part = points.slice(first, first + size);
    const mean = (axis) => part.reduce((sum, point) => sum + point[axis], 0) / part.length;
    found.push([mean(0), mean(1)]);
  }
  return found;
}

// label: what the legend calls a curve.
export function chart(title, names, lines, label) {
  const series = names.map((name) => ({
    name,
    points: smoothed(
      lines.filter((line) => Number.isFinite(line[name])).map((line) => [line.step, line[name]]),
    ),
  }));
  const all = series.flatMap((one) => one.points);
  const card = make("div", { class: "chart" }, make("h3", {}, title));
  if (!all.length) return card;
  const [firstStep, lastStep] = [0, Math.max(...all.map((point) => point[0]), 1)];
  let low = Math.min(...all.map((point) => point[1])), high = Math.max(...all.map((point) => point[1]));
  if (low > 0 && low < high / 2) low = 0;
  if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
  const x = (step) => LEFT + ((step - firstStep) / (lastStep - firstStep)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title });
  for (const value of ticks(low, high, 4)) {
    picture.append(
      svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
      svg("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, number(value)),
    );
  }
  for (const value of ticks(firstStep, lastStep, 5)) {
    picture.append(svg("text", { x: x(value), y: HEIGHT - 6, "text-anchor": "middle" }, String(value)));
  }
  const legend = make("div", { class: "legend" });
  series.forEach((one, place) => {
    const colour = COLOURS[place % COLOURS.length];
    const points = one.points.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
    picture.append(svg("polyline", { points: points.join(" "), stroke: colour }));
    const mark = make("i");
    mark.style.background = colour;
    const last = one.points.at(-1);
    legend.append(
      make("span", {}, mark, `${label(one.name)} ${last ? number(last[1]) : "–"}`),
    );
  });
  card.append(picture, legend);
  return card;
}
