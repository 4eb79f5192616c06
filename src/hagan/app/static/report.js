// A report in a sandbox, and the figures of results.json as a tree.
import { ask, begin, idOf, main, make, number, show } from "./page.js";

const MOST = 200;

function tree(value, name, depth) {
  if (value === null || typeof value !== "object") {
    const text = typeof value === "number" ? number(value, 6) : String(value);
    return make("div", {}, make("span", { class: "soft" }, `${name}: `), text);
  }
  const items = Object.entries(value);
  const plain = items.every(([, item]) => item === null || typeof item !== "object");
  if (Array.isArray(value) && plain && items.length <= 12) {
    const text = value.map((item) => (typeof item === "number" ? number(item, 6) : String(item))).join(", ");
    return make("div", {}, make("span", { class: "soft" }, `${name}: `), text);
  }
  const node = make("details", { open: depth < 2 }, make("summary", {}, name));
  // Only what is open is built: results may hold thousands of numbers.
  const fill = () => {
    if (node.childElementCount > 1) return;
    node.append(...items.slice(0, MOST).map(([key, item]) => tree(item, item?.name ?? key, depth + 1)));
    if (items.length > MOST) node.append(make("div", { class: "soft" }, `and ${items.length - MOST} more`));
  };
  if (depth < 2) fill();
  else node.addEventListener("toggle", fill);
  return node;
}

await show(async () => {
  const report = await ask(`/api/reports/${idOf()}`);
  begin(report.name);
  main.replaceChildren();
  if (report.page) {
    main.append(
      make("iframe", { src: `/reports/${idOf()}.html`, sandbox: "", title: "report", referrerpolicy: "no-referrer" }),
    );
  }
  if (report.results !== undefined) {
    const held = make("details", { open: !report.page }, make("summary", {}, "results.json"));
    held.append(tree(report.results, "results", 0));
    main.append(make("div", { class: "tree" }, held));
  }
});
