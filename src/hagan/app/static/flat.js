// One volume as pictures of slices, where the browser has no WebGL2.
import { make } from "./page.js";

const PLANES = [
  { name: "axial", axis: 2, marks: { l: "R", r: "L", t: "A", b: "P" } },
  { name: "coronal", axis: 1, marks: { l: "R", r: "L", t: "S", b: "I" } },
  { name: "sagittal", axis: 0, marks: { l: "A", r: "P", t: "S", b: "I" } },
];

export class FlatPanel {
  constructor(screen, { onPlace, onRead }) {
    [this.onPlace, this.onRead] = [onPlace, onRead];
    this.frame = make("div", { class: "flat" });
    screen.append(this.frame);
    [this.about, this.mode, this.window] = [null, "all", null];
    this.place = [0.5, 0.5, 0.5];
  }

  async show(about) {
    this.about = about;
    this.window = [about.windows[0].low, about.windows[0].high];
    this.setMode(this.mode);
  }

  clear() {
    this.about = null;
    this.frame.replaceChildren();
  }

  // Slices from the left, the back and the feet, as the crosshair counts them.
  voxel(axis) {
    const size = this.about.shape[2 - axis];
    return Math.min(size - 1, Math.max(0, Math.floor(this.place[axis] * size)));
  }

  // The server counts them along d, h and w: from the feet, the front and the right.
  index(axis) {
    return axis === 2 ? this.voxel(2) : this.about.shape[2 - axis] - 1 - this.voxel(axis);
  }

  setMode(mode) {
    this.mode = mode;
    if (!this.about) return;
    const single = mode !== "all" && mode !== "render";
    this.frame.className = single ? "flat single" : "flat";
    const wanted = single ? PLANES.filter((plane) => plane.name === mode) : PLANES;
    this.images = wanted.map((plane) => ({ plane, image: make("img", { alt: `${plane.name} slice` }), name: make("span", { class: "n" }) }));
    this.frame.replaceChildren(
      ...this.images.map(({ plane, image, name }) =>
        make(
          "figure",
          { class: plane.name, onwheel: (event) => this.wheel(event, plane.axis) },
          image,
          make("figcaption", {}, name, Object.entries(plane.marks).map(([place, text]) => make("span", { class: place }, text))),
        ),
      ),
    );
    this.draw();
  }

  wheel(event, axis) {
    event.preventDefault();
    this.step(axis, event.deltaY < 0 ? 1 : -1);
  }

  draw() {
    if (!this.about) return;
    const [low, high] = this.window;
    for (const { plane, image, name } of this.images) {
      const index = this.index(plane.axis);
      image.src = `/slices/${this.about.id}/${plane.name}/${index}.png?low=${low}&high=${high}`;
      name.textContent = `${plane.name} ${this.voxel(plane.axis) + 1} of ${this.about.shape[2 - plane.axis]}`;
    }
    this.onRead({ value: undefined, mm: null, vox: null });
  }

  setPlace(place) {
    this.place = [...place];
    this.draw();
  }

  setTurn() {}
  setCut() {}
  setCrosshair() {}

  setWindow(low, high) {
    this.window = [low, high];
    this.draw();
  }

  step(axis, count) {
    const size = this.about.shape[2 - axis];
    const place = [...this.place];
    // To the middle of a slice, so that no rounding leaves one out or shows one twice.
    const next = Math.min(size - 1, Math.max(0, this.voxel(axis) + count));
    place[axis] = (next + 0.5) / size;
    this.setPlace(place);
    this.onPlace(place);
  }
}
