// Volumes side by side with one crosshair, one window and one set of keys.
import { FlatPanel } from "./flat.js";
import { isSlow, Panel } from "./panel.js";
import { ask, make } from "./page.js";

const AXES = { sagittal: 0, coronal: 1, axial: 2 };
const MODES = [["all", "All", "M"], ["axial", "Axial", "A"], ["coronal", "Coronal", "C"], ["sagittal", "Sagittal", "S"], ["render", "3D", "R"]];
const HELP = [
  ["↑ ↓", "one slice"], ["PgUp PgDn", "ten slices"], ["Home End", "middle, top"], ["A C S", "one plane, which the keys move"],
  ["M", "all planes"], ["0–3", "window"],
];
const HELP_GL = [["R", "3D"], ["F", "3D whole or cut open"], ["X", "crosshair"], ["right drag", "window by hand"]];
const HELP_MANY = [["[ ]", "volume before, after"]];

export function hasWebGl() {
  if (new URLSearchParams(location.search).has("flat")) return false;
  return document.createElement("canvas").getContext("webgl2") !== null;
}

export class Stage {
  // count: panels; onNeighbour: told to show the volume before or after in the active panel.
  constructor(host, count, { onNeighbour } = {}) {
    this.isFlat = !hasWebGl();
    this.onNeighbour = onNeighbour;
    [this.mode, this.plane, this.crosshair, this.cut, this.active] = ["all", "axial", true, true, 0];
    this.windows = [];
    this.chosen = 0;
    this.toolbar = make("div", { class: "toolbar" });
    this.windowGroup = make("div", { class: "group", id: "windows" });
    this.modeGroup = make("div", { class: "group" }, make("span", {}, "Show"));
    this.extra = make("div", { class: "group" });
    this.toolbar.append(this.modeGroup, this.windowGroup, this.extra);
    this.grid = make("div", { class: "panels" });
    const help = [...HELP, ...(this.isFlat ? [] : HELP_GL), ...(onNeighbour ? HELP_MANY : [])];
    this.keys = make("div", { class: "keys", id: "keys" }, help.map(([key, text]) => make("span", {}, make("kbd", {}, key), ` ${text}`)));
    if (this.isFlat) this.keys.prepend(make("span", { class: "bad" }, "Slices are shown as pictures, without 3D."));
    else if (isSlow()) {
      const flat = new URL(location.href);
      flat.searchParams.set("flat", "1");
      this.keys.prepend(make("span", {}, "This browser draws without a graphics card: ", make("a", { href: flat.href, id: "flat" }, "pictures of slices"), " come sooner."));
    }
    for (const [mode, text, key] of MODES) {
      if (this.isFlat && mode === "render") continue;
      this.modeGroup.append(make("button", { "data-mode": mode, onclick: () => this.setMode(mode) }, text, make("kbd", {}, key)));
    }
    this.panels = [];
    host.append(this.toolbar, this.grid, this.keys);
    this.resize(count);
    document.addEventListener("keydown", (event) => this.key(event), { capture: true });
    this.setMode("all");
  }

  resize(count) {
    while (this.panels.length > count) {
      const panel = this.panels.pop();
      panel.element.remove();
    }
    while (this.panels.length < count) this.panels.push(this.newPanel(this.panels.length));
    this.active = Math.min(this.active, count - 1);
    this.grid.dataset.count = count;
    for (const panel of this.panels) panel.view.setMode(this.mode, count > 1);
    this.choose(this.active);
  }

  newPanel(number) {
    const bar = make("div", { class: "bar" });
    const screen = make("div", { class: "screen" });
    const read = make("div", { class: "read" });
    const message = make("div", { class: "message" });
    message.hidden = true;
    const element = make("section", { class: "panel", onpointerdown: () => this.choose(number) }, bar, screen, read);
    this.grid.append(element);
    const panel = { element, bar, screen, read, message, about: null };
    const Kind = this.isFlat ? FlatPanel : Panel;
    panel.view = new Kind(screen, {
      onPlace: (place) => this.link(panel, (view) => view.setPlace(place)),
      onTurn: (azimuth, elevation) => this.link(panel, (view) => view.setTurn(azimuth, elevation)),
      onRead: (found) => this.tell(panel, found),
    });
    screen.append(message);
    return panel;
  }

  link(from, change) {
    for (const panel of this.panels) if (panel !== from && panel.about) change(panel.view);
  }

  choose(number) {
    this.active = number;
    this.panels.forEach((panel, place) => panel.element.classList.toggle("active", place === number && this.panels.length > 1));
  }

  // Where the crosshair is, in words: value, slice, millimetres.
  tell(panel, { value, mm, vox }) {
    const about = panel.about;
    if (!about) return;
    const parts = [];
    if (value !== undefined) parts.push(make("b", {}, about.unit === "HU" ? `${Math.round(value)} HU` : String(Number(value.toPrecision(4)))));
    if (vox?.length) {
      const [d, h, w] = about.shape;
      parts.push(make("span", { class: "slice" }, `axial ${vox[2] + 1}/${d} · coronal ${vox[1] + 1}/${h} · sagittal ${vox[0] + 1}/${w}`));
    }
    if (mm) {
      const [x, y, z] = mm.map((one) => Math.round(one));
      parts.push(make("span", {}, `${x < 0 ? "L" : "R"} ${Math.abs(x)}  ${y < 0 ? "P" : "A"} ${Math.abs(y)}  ${z < 0 ? "I" : "S"} ${Math.abs(z)} mm`));
    }
    const size = `${about.shape.join(" × ")} at ${about.spacing.map((one) => Number(one.toPrecision(3))).join(" × ")} mm`;
    parts.push(make("span", {}, size));
    panel.read.replaceChildren(...parts);
  }

  // Shows a volume by its id; a damaged one shows its one line.
  async load(number, id) {
    const panel = this.panels[number];
    panel.wanted = id;
    let about;
    try {
      about = await ask(`/api/volumes/${id}`);
      if (about.error) throw new Error(about.error);
      if (panel.wanted !== id) return null;
      const others = this.panels.find((other) => other !== panel && other.about);
      panel.about = about;
      panel.message.hidden = true;
      await panel.view.show(about);
      if (others) panel.view.setPlace(others.view.place);
    } catch (error) {
      if (panel.wanted !== id) return null;
      panel.about = null;
      panel.view.clear();
      panel.read.replaceChildren();
      panel.message.replaceChildren(make("span", { class: "bad", role: "alert" }, error.message));
      panel.message.hidden = false;
      return about ?? null;
    }
    this.offer(about.windows);
    this.setWindow(this.chosen);
    panel.element.dataset.shown = id;
    return about;
  }

  offer(windows) {
    const names = (list) => list.map((one) => one.name).join();
    if (names(windows) === names(this.windows)) return;
    [this.windows, this.chosen] = [windows, 0];
    this.windowGroup.replaceChildren(
      make("span", {}, "Window"),
      ...windows.map((one, number) =>
        make("button", { "data-window": one.name, title: `${one.low} to ${one.high}`, onclick: () => this.setWindow(number) }, one.name, make("kbd", {}, String(number))),
      ),
    );
  }

  setWindow(number) {
    if (number >= this.windows.length) return;
    this.chosen = number;
    const { name } = this.windows[number];
    for (const panel of this.panels) {
      const own = panel.about?.windows.find((one) => one.name === name);
      if (own) panel.view.setWindow(own.low, own.high);
    }
    for (const button of this.windowGroup.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.window === name));
    }
  }

  setMode(mode) {
    this.mode = mode;
    if (mode in AXES) this.plane = mode;
    for (const panel of this.panels) panel.view.setMode(mode, this.panels.length > 1);
    for (const button of this.modeGroup.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    }
    this.setWindow(this.chosen);
  }

  step(count) {
    const panel = this.panels[this.active].about ? this.panels[this.active] : this.panels.find((one) => one.about);
    panel?.view.step(AXES[this.plane], count);
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest?.("input, select, textarea")) return;
    const deeds = {
      ArrowUp: () => this.step(1), ArrowDown: () => this.step(-1),
      PageUp: () => this.step(10), PageDown: () => this.step(-10),
      Home: () => this.panels.forEach((panel) => panel.about && panel.view.setPlace([0.5, 0.5, 0.5])),
      End: () => this.step(10000),
      a: () => this.setMode("axial"), c: () => this.setMode("coronal"), s: () => this.setMode("sagittal"),
      m: () => this.setMode("all"), r: () => !this.isFlat && this.setMode("render"),
      x: () => {
        this.crosshair = !this.crosshair;
        for (const panel of this.panels) panel.view.setCrosshair(this.crosshair);
      },
      f: () => {
        this.cut = !this.cut;
        for (const panel of this.panels) panel.view.setCut(this.cut);
      },
      "[": () => this.onNeighbour?.(this.active, -1), "]": () => this.onNeighbour?.(this.active, 1),
    };
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const deed = deeds[name] ?? (/^[0-9]$/.test(name) ? () => this.setWindow(Number(name)) : null);
    if (!deed) return;
    // NiiVue has keys of its own, which must not answer as well.
    event.preventDefault();
    event.stopPropagation();
    deed();
  }
}
