// A run: its losses as they come, and its previews.
import { chart } from "./chart.js";
import { ask, begin, idOf, main, make, number, show } from "./page.js";

const EVERY_MS = 2000;
const NORMS = "gradient norms";
const spaced = (name) => name.replaceAll("_", " ");
const id = idOf();
let lines = [];
let next = 0;

function groups(found) {
  const names = [...new Set(found.flatMap((line) => Object.keys(line)))].filter((n) => n.includes("/"));
  const players = new Map();
  for (const name of names) {
    const [player, term] = [name.split("/")[0], name.split("/").slice(1).join("/")];
    const key = term === "gradient" ? NORMS : player;
    players.set(key, [...(players.get(key) ?? []), name]);
  }
  return [...players].sort(([a], [b]) => (a === NORMS) - (b === NORMS));
}

function fact(name, value) {
  return make("div", {}, make("span", {}, name), make("b", {}, value));
}

await show(async () => {
  const run = await ask(`/api/runs/${id}`);
  begin(run.name);
  const facts = make("div", { class: "facts" });
  const bar = make("progress", { max: 1, value: 0, "aria-label": "steps done" });
  const charts = make("div", { class: "charts", id: "charts" });
  const previews = make("div", { class: "previews" });
  main.replaceChildren(
    make("h1", {}, run.name),
    make(
      "div",
      { class: "row soft" },
      run.recipe ?? "",
      run.trained ? make("a", { href: `/latent/${id}` }, "New samples and directions") : null,
    ),
    facts,
    bar,
    make("h2", {}, "Losses"),
    charts,
    make("h2", {}, "Previews"),
    previews,
  );
  if (run.error) main.append(make("p", { class: "bad" }, run.error));

  function draw() {
    const last = lines.at(-1);
    facts.replaceChildren(
      fact("step", last ? `${last.step}${run.steps ? ` of ${run.steps}` : ""}` : "none yet"),
      fact("side", run.shape ? run.shape.join(" × ") : "–"),
      fact("steps per second", number(last?.steps_per_second)),
      fact("peak memory", last?.peak_memory_mib ? `${Math.round(last.peak_memory_mib)} MiB` : "–"),
      fact("saved weights", run.trained ? `step ${run.step}` : "none yet"),
    );
    bar.value = last && run.steps ? Math.min(1, last.step / run.steps) : 0;
    const drawn = groups(lines).map(([title, names]) =>
      chart(spaced(title), names, lines, (name) => spaced(name.split("/")[title === NORMS ? 0 : 1])),
    );
    charts.replaceChildren(...(drawn.length ? drawn : [make("p", { class: "soft" }, "No losses yet.")]));
  }

  async function grow() {
    for (;;) {
      const got = await ask(`/api/runs/${id}/metrics?after=${next}`);
      if (got.restarted) lines = [];
      // After a resumption steps come again: the newer line counts.
      const first = got.lines[0]?.step ?? Infinity;
      lines = [...lines.filter((line) => line.step < first), ...got.lines];
      const more = got.next !== next && got.lines.length > 0;
      next = got.next;
      if (!more) return;
    }
  }

  function showPreviews(names) {
    if (!names.length) {
      previews.replaceChildren(make("p", { class: "soft" }, "No preview was saved yet."));
      return;
    }
    const image = make("img", { alt: "real, fake and rebuilt volumes" });
    const label = make("span", { class: "soft" });
    const slider = make("input", { type: "range", min: "0", max: String(names.length - 1), "aria-label": "which preview" });
    const choose = () => {
      image.src = `/previews/${id}/${names[slider.value]}`;
      label.textContent = names[slider.value].replace(/^step-0*/, "step ").replace(".png", "");
    };
    slider.value = String(names.length - 1);
    slider.addEventListener("input", choose);
    slider.hidden = names.length < 2;
    choose();
    previews.replaceChildren(make("div", { class: "row" }, slider, label), image);
  }

  await grow();
  draw();
  showPreviews(run.previews);
  let known = run.previews.length;
  setInterval(async () => {
    const before = next;
    try {
      await grow();
      if (next === before) return;
      Object.assign(run, await ask(`/api/runs/${id}`));
    } catch {
      return;
    }
    draw();
    if (run.previews.length !== known) showPreviews(run.previews);
    known = run.previews.length;
  }, EVERY_MS);
});
