// New samples of a run, and what moving their code along directions does to them.
import { Stage } from "./stage.js";
import { ask, badge, begin, idOf, main, make, number, show } from "./page.js";

const id = idOf();
const PAUSE_MS = 250, ASK_MS = 300;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

await show(async () => {
  const about = await ask(`/api/runs/${id}/latent`);
  begin("new samples", [`/run/${id}`, about.name]);
  const directions = about.directions.filter((one) => !one.error);
  const aside = make("aside");
  const host = make("div", { class: "stage" });
  main.append(make("div", { class: "bench" }, aside, host));
  const stage = new Stage(host, directions.length ? 2 : 1);
  const strip = make("div", { class: "strip", "aria-label": "samples made before" });
  stage.grid.after(strip);

  const seed = make("input", { type: "number", min: "0", max: "2147483647", value: "0", "aria-label": "seed" });
  const index = make("input", { type: "number", min: "0", max: "2147483647", value: "0", "aria-label": "number" });
  const label = make("select", { "aria-label": "class" }, about.classes.map((name, place) => make("option", { value: String(place) }, name)));
  const status = make("div", { class: "status soft", role: "status" });
  const bar = make("progress", { max: 1, value: 0, "aria-label": "progress" });
  bar.hidden = true;
  const sliders = directions.map(newSlider);

  aside.append(
    make("h2", {}, "Sample"),
    make("div", { class: "row" }, make("label", {}, "seed ", seed), make("label", {}, "number ", index)),
    about.classes.length ? make("p", {}, make("label", {}, "class ", label)) : "",
    make(
      "p",
      { class: "row" },
      make("button", { id: "another", onclick: () => { index.value = Number(index.value) + 1; begun(); } }, "Another sample"),
      make("button", { onclick: () => reset() }, "Back to the start"),
    ),
    status,
    bar,
    make("h2", {}, "Directions"),
    ...sliders.map((slider) => slider.element),
    directions.length ? "" : make(
      "p", { class: "soft" },
      "No direction for these weights was found. ", make("code", {}, "hagan direction RUN STORE OUT.npz --target lung"),
      " fits one; put it beside the run or name it with --directions.",
    ),
    ...about.directions.filter((one) => one.error).map((one) => make("p", { class: "bad" }, one.error)),
    make("p", { class: "soft" }, `${about.recipe}, step ${about.step}, weights ${about.weights}. Each value is what the direction's regression predicts, not what was measured in the volume.`),
  );
  for (const input of [seed, index, label]) input.addEventListener("change", () => begun());

  function newSlider(one) {
    const input = make("input", { type: "range", "aria-label": one.target });
    const value = make("output");
    const ticks = make("div", { class: "ticks" });
    const ends = make("div", { class: "ends" });
    // A drawn code may lie beyond every scan, and must be on the slider all the same.
    const scale = (low, high, start) => {
      Object.assign(input, { min: low, max: high, step: (high - low) / 200 || 1 });
      const mark = (at, properties) => {
        const tick = make("i", properties);
        tick.style.left = `${(100 * (at - low)) / (high - low || 1)}%`;
        return tick;
      };
      ticks.replaceChildren(
        ...one.quantiles.map((at) => mark(at, { title: `of the scans: ${number(at, 4)}` })),
        mark(start, { class: "now", title: `the sample as drawn: ${number(start, 4)}` }),
      );
      ends.replaceChildren(make("span", {}, number(low, 4)), make("span", {}, number(high, 4)));
    };
    const quality = one.facts.r_squared_unseen;
    const element = make(
      "div", { class: "slider" },
      make("div", { class: "head" }, make("b", {}, one.target), value),
      input, ticks,
      ends,
      quality === undefined ? "" : make("div", { class: quality < 0.1 ? "bad" : "soft" }, `R² on unseen scans ${number(quality, 2)}${quality < 0.1 ? ": this direction means nothing" : ""}`),
    );
    const slider = { one, input, element, moved: false };
    slider.tell = () => { value.textContent = slider.moved ? `${number(Number(input.value), 4)} ${one.unit}` : `as drawn, ${number(slider.start, 4)} ${one.unit}`; };
    slider.begin = (at) => {
      slider.moved = false;
      slider.start = at;
      scale(Math.min(one.low, at), Math.max(one.high, at), at);
      input.value = at;
      slider.tell();
    };
    input.addEventListener("input", () => { slider.moved = true; slider.tell(); wish(); });
    return slider;
  }

  const content = (moves) => ({
    seed: Number(seed.value), index: Number(index.value), moves,
    ...(about.classes.length ? { label: Number(label.value) } : {}),
  });

  // Makes one volume and tells how far it is; returns its id.
  async function made(asked) {
    const began = performance.now();
    let job = await ask(`/api/runs/${id}/samples`, asked);
    bar.hidden = false;
    while (job.state !== "done") {
      if (job.state === "failed") throw new Error(job.error);
      status.textContent = job.state === "waiting" ? `waiting, ${job.ahead} before it` : `making it, ${((performance.now() - began) / 1000).toFixed(1)} s`;
      if (job.progress === null) bar.removeAttribute("value");
      else bar.value = job.progress;
      await wait(ASK_MS);
      job = await ask(`/api/jobs/${job.id}`);
    }
    status.textContent = `made in ${((performance.now() - began) / 1000).toFixed(1)} s`;
    return job.result;
  }

  async function place(panel, volume, title) {
    const shown = await stage.load(panel, volume);
    stage.panels[panel].bar.replaceChildren(badge("fake"), make("span", {}, title), make("span", { class: "soft" }, shown?.note ?? ""));
    if (strip.querySelector(`[data-id="${volume}"]`)) return;
    const picture = make("img", { src: `/thumbs/${volume}.png`, alt: "" });
    strip.prepend(make("button", { "data-id": volume, title: `${shown?.name ?? ""} ${shown?.note ?? ""}`, onclick: () => stage.load(stage.panels.length - 1, volume) }, picture));
  }

  // One at a time, and always the newest wish: a slider asks for more than can be made.
  let busy = false, pending = null, timer = null;
  async function work(deed) {
    pending = deed;
    if (busy) return;
    busy = true;
    while (pending) {
      const next = pending;
      pending = null;
      try {
        await next();
      } catch (error) {
        status.replaceChildren(make("span", { class: "bad", role: "alert" }, error.message));
      }
      bar.hidden = true;
    }
    busy = false;
  }

  function begun() {
    return work(async () => {
      const start = await made(content({}));
      const said = directions.length ? await ask(`/api/runs/${id}/start?seed=${seed.value}&index=${index.value}`) : {};
      for (const slider of sliders) slider.begin(said[slider.one.id]);
      await place(0, start, "as drawn");
      if (sliders.length) await place(1, start, "moved");
    });
  }

  function wish() {
    clearTimeout(timer);
    timer = setTimeout(() => work(async () => {
      const moves = Object.fromEntries(sliders.filter((s) => s.moved).map((s) => [s.one.id, Number(s.input.value)]));
      await place(1, await made(content(moves)), "moved");
    }), PAUSE_MS);
  }

  function reset() {
    for (const slider of sliders) slider.begin(slider.start);
    wish();
  }

  await begun();
});
