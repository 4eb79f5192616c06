// A collection as a grid of small pictures; up to three can be chosen to be seen side by side.
import { ask, badge, begin, idOf, main, make, show } from "./page.js";

const AT_ONCE = 48;
const MOST = 3;
const id = idOf();

await show(async () => {
  const found = await ask(`/api/collections/${id}`);
  begin(found.name);
  const chosen = new Set();
  const open = make("a", { href: "#" }, "");
  const grid = make("div", { class: "thumbs", id: "thumbs" });
  const more = make("button", { onclick: () => add() }, "More");
  main.replaceChildren(
    make("h1", {}, found.name),
    make("div", { class: "row soft" }, `${found.count} volumes: choose up to three, or open one.`, open),
    found.fault ? make("p", { class: "bad", role: "alert" }, found.fault) : "",
    grid,
    make("p", {}, more),
  );

  function tell() {
    open.hidden = chosen.size === 0;
    open.href = `/view?v=${[...chosen].map((volume) => `${id}:${volume}`).join(",")}`;
    open.textContent = `Open ${chosen.size} side by side`;
  }

  function card(volume) {
    const place = make("a", { href: `/view?v=${id}:${volume.id}` });
    const image = make("img", { src: `/thumbs/${volume.id}.png`, loading: "lazy", alt: volume.name });
    image.addEventListener("error", async () => {
      let told = "the picture cannot be made";
      try {
        told = (await ask(`/api/volumes/${volume.id}`)).error ?? told;
      } catch (error) {
        told = error.message;
      }
      place.replaceChildren(make("div", { class: "fault bad" }, told));
    });
    place.append(image);
    const box = make("input", { type: "checkbox", "aria-label": `choose ${volume.name}` });
    const made = make(
      "div",
      { class: "card" },
      place,
      make("label", { class: "row" }, box, make("span", { class: "name" }, volume.name)),
      make("div", { class: "row" }, badge(volume.provenance), make("span", { class: "soft" }, volume.note)),
    );
    box.addEventListener("change", () => {
      if (box.checked && chosen.size >= MOST) box.checked = false;
      if (box.checked) chosen.add(volume.id);
      else chosen.delete(volume.id);
      made.classList.toggle("chosen", box.checked);
      tell();
    });
    return made;
  }

  function add() {
    const from = grid.childElementCount;
    grid.append(...found.volumes.slice(from, from + AT_ONCE).map(card));
    more.hidden = grid.childElementCount >= found.volumes.length;
  }

  add();
  tell();
});
