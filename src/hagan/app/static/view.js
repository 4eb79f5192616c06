// Up to three volumes side by side: real, fake and rebuilt, or any others.
import { Stage } from "./stage.js";
import { ask, badge, begin, main, make, show } from "./page.js";

const held = new Map();

async function volumesOf(collection) {
  if (!held.has(collection)) held.set(collection, (await ask(`/api/collections/${collection}`)).volumes);
  return held.get(collection);
}

const stem = (name) => name.replace(/-(prepared|rebuilt)$/, "");

// Without a choice: a scan as prepared, what a model made of nothing, and the scan rebuilt.
async function firstChoice(collections) {
  const one = async (kind, provenance) => {
    for (const collection of collections.filter((item) => item.kind === kind && item.counts[provenance])) {
      const volume = (await volumesOf(collection.id)).find((item) => item.provenance === provenance);
      if (volume) return [collection.id, volume.id];
    }
    return null;
  };
  const found = [
    (await one("rebuilt", "real")) ?? (await one("store", "real")),
    await one("generated", "fake"),
    await one("rebuilt", "rebuilt"),
  ].filter(Boolean);
  if (found.length) return found;
  const any = collections.find((item) => item.count);
  return any ? [[any.id, any.first[0]]] : [];
}

await show(async () => {
  const home = await ask("/api/home");
  begin("viewer");
  const collections = home.collections.filter((item) => item.count);
  const asked = new URLSearchParams(location.search).get("v");
  const chosen = asked ? asked.split(",").slice(0, 3).map((pair) => pair.split(":")) : await firstChoice(collections);
  if (!chosen.length) {
    main.append(make("p", { class: "soft" }, "There is no volume here to look at."));
    return;
  }
  const stage = new Stage(main, chosen.length, {
    onNeighbour: (number, by) => neighbour(number, by),
  });
  const counts = [1, 2, 3].map((count) =>
    make("button", { "data-count": count, onclick: () => setCount(count) }, String(count)),
  );
  stage.extra.append(make("span", {}, "Side by side"), ...counts);

  function remember() {
    const pairs = chosen.slice(0, stage.panels.length).map((pair) => pair.join(":"));
    const flat = new URLSearchParams(location.search).has("flat") ? "&flat" : "";
    history.replaceState(null, "", `/view?v=${pairs.join(",")}${flat}`);
    counts.forEach((button, place) => button.setAttribute("aria-pressed", String(place + 1 === stage.panels.length)));
  }

  async function fill(number) {
    const panel = stage.panels[number];
    const [collection, id] = chosen[number];
    const volumes = await volumesOf(collection);
    const volume = volumes.find((item) => item.id === id) ?? volumes[0];
    if (!volume) throw new Error("the folder holds no volume any more");
    chosen[number] = [collection, volume.id];
    const places = make("select", { "aria-label": "folder" }, collections.map((item) => make("option", { value: item.id }, item.name)));
    places.value = collection;
    places.addEventListener("change", async () => {
      const [first] = await volumesOf(places.value);
      await choose(number, places.value, first.id);
    });
    const names = make("select", { "aria-label": "volume" }, volumes.map((item) => make("option", { value: item.id }, item.name)));
    names.value = volume.id;
    names.addEventListener("change", () => choose(number, collection, names.value));
    panel.bar.replaceChildren(
      badge(volume.provenance),
      places,
      names,
      make("button", { title: "volume before", onclick: () => neighbour(number, -1) }, "‹"),
      make("button", { title: "volume after", onclick: () => neighbour(number, 1) }, "›"),
    );
    panel.bar.title = volume.note;
    await stage.load(number, volume.id);
  }

  // A scan and its reconstruction stay together.
  async function choose(number, collection, id) {
    const volumes = await volumesOf(collection);
    const before = volumes.find((item) => item.id === chosen[number][1]);
    const after = volumes.find((item) => item.id === id);
    chosen[number] = [collection, id];
    const todo = [number];
    if (before && after) {
      for (let other = 0; other < stage.panels.length; other += 1) {
        const shown = volumes.find((item) => item.id === chosen[other][1]);
        if (other === number || chosen[other][0] !== collection || !shown) continue;
        if (shown.provenance === after.provenance || stem(shown.name) !== stem(before.name)) continue;
        const partner = volumes.find((item) => item.provenance === shown.provenance && stem(item.name) === stem(after.name));
        if (partner) {
          chosen[other] = [collection, partner.id];
          todo.push(other);
        }
      }
    }
    await Promise.all(todo.map(fill));
    remember();
  }

  async function neighbour(number, by) {
    const [collection, id] = chosen[number];
    const volumes = await volumesOf(collection);
    const kind = volumes.find((item) => item.id === id)?.provenance;
    const same = volumes.filter((item) => item.provenance === kind);
    const place = same.findIndex((item) => item.id === id) + by;
    if (place >= 0 && place < same.length) await choose(number, collection, same[place].id);
  }

  async function setCount(count) {
    const before = stage.panels.length;
    while (chosen.length < count) chosen.push([...chosen[0]]);
    stage.resize(count);
    for (let number = before; number < count; number += 1) await fill(number);
    remember();
  }

  await Promise.all(chosen.map((_, number) => fill(number)));
  remember();
});
