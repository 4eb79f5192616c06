// What every page shares: asking the server, building elements, the header.

export async function ask(url, content) {
  const options = content === undefined ? {} : { method: "POST", body: JSON.stringify(content) };
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new Error("the viewer no longer answers; start hagan serve again");
  }
  const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json");
  const body = isJson ? await response.json() : { error: (await response.text()).slice(0, 200) };
  if (!response.ok) throw new Error(body.error || `the viewer answered ${response.status}`);
  return body;
}

// Text goes in as text alone, so that no name of a file can become markup.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const main = document.getElementById("main");

export function begin(title, ...crumbs) {
  document.title = `${title} · hagan`;
  const trail = [["/", "home"], ...crumbs].map(([href, text]) => make("a", { href }, text));
  const nav = make("nav");
  for (const link of trail) nav.append(link, make("span", {}, "/"));
  nav.append(make("span", {}, title));
  document.getElementById("header").replaceChildren(
    make("a", { class: "brand", href: "/" }, make("img", { src: "/static/icon.svg", alt: "" }), "hagan"),
    nav,
    make("span", { class: "right" }, "Research only; not for clinical use"),
  );
}

export function badge(provenance) {
  return make("span", { class: `badge ${provenance}` }, provenance);
}

export function fail(error) {
  main.replaceChildren(
    make("h1", {}, "This cannot be shown"),
    make("p", { class: "bad", role: "alert" }, error.message),
    make("p", {}, make("a", { href: "/" }, "Back to what was found")),
  );
}

// A page's content, or the one line that says why there is none.
export async function show(build) {
  try {
    await build();
    document.body.dataset.ready = "yes";
  } catch (error) {
    fail(error);
    document.body.dataset.ready = "failed";
  }
}

export function number(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(digits)));
}

export function idOf() {
  return location.pathname.split("/")[2];
}
