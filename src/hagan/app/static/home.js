// The first page: what was found.
import { ask, badge, begin, main, make, show } from "./page.js";

const KINDS = { store: "store", generated: "generated", rebuilt: "reconstructions", scans: "scans" };

function runCard(run) {
  const step = run.step ?? 0;
  return make(
    "div",
    { class: "card" },
    make("a", { class: "name", href: `/run/${run.id}` }, run.name),
    make("div", { class: "soft" }, run.recipe ?? "recipe unknown"),
    run.steps && run.trained
      ? make("div", { class: "soft" }, `weights of step ${step} of ${run.steps}`)
      : make("div", { class: "soft" }, run.trained ? `step ${step}` : "no weights saved yet"),
    run.error ? make("div", { class: "bad" }, run.error) : null,
    make(
      "div",
      { class: "row" },
      make("a", { href: `/run/${run.id}` }, "Losses"),
      run.trained ? make("a", { href: `/latent/${run.id}` }, "New samples") : null,
    ),
  );
}

function collectionCard(found) {
  const counts = Object.entries(found.counts).map(([name, count]) =>
    make("span", { class: `badge ${name}` }, `${count} ${name}`),
  );
  const picture = found.first.map((id) => {
    const image = make("img", { src: `/thumbs/${id}.png`, alt: "", loading: "lazy" });
    image.addEventListener("error", () => image.remove());
    return image;
  });
  return make(
    "a",
    { class: "card", href: `/volumes/${found.id}` },
    picture,
    make("div", { class: "name" }, found.name),
    make("div", { class: "soft" }, KINDS[found.kind] ?? found.kind),
    found.fault ? make("div", { class: "bad" }, found.fault) : make("div", { class: "row" }, counts),
  );
}

function section(title, cards) {
  return cards.length ? [make("h2", {}, title), make("div", { class: "cards" }, cards)] : [];
}

await show(async () => {
  const found = await ask("/api/home");
  begin(found.name);
  const volumes = found.collections.reduce((sum, one) => sum + one.count, 0);
  main.replaceChildren(
    make("h1", {}, found.name),
    make(
      "div",
      { class: "row soft" },
      [[found.runs.length, "run"], [volumes, "volume"], [found.directions.length, "direction"], [found.reports.length, "report"]]
        .map(([count, name]) => `${count} ${name}${count === 1 ? "" : "s"}`).join(", "),
      volumes ? make("a", { href: "/view" }, "Open the viewer: real, fake and rebuilt side by side") : null,
    ),
    found.truncated
      ? make("p", { class: "bad" }, "The folder holds more than is looked at; name a folder within it.")
      : "",
    ...section("Runs", found.runs.map(runCard)),
    ...section("Volumes", found.collections.map(collectionCard)),
    ...section(
      "Reports",
      found.reports.map((one) =>
        make(
          "a",
          { class: "card", href: `/report/${one.id}` },
          make("div", { class: "name" }, one.name),
          make("div", { class: "soft" }, one.page ? "report" : "figures"),
        ),
      ),
    ),
  );
  if (!found.runs.length && !volumes && !found.reports.length) {
    main.append(
      make("p", {}, "Nothing that hagan knows was found here: no run, store, volume, scan or report."),
    );
  }
});
