// Writes niivue.js and the licences of all that is in it; the same lock file gives the same bytes.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = join(here, "..", "src", "hagan", "app", "static");

const result = await build({
  absWorkingDir: here,
  entryPoints: ["entry.js"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  alias: { zarrita: "./no-zarr.js" },
  outfile: join(out, "niivue.js"),
  metafile: true,
});

// The metafile names every file that went in: its packages are those whose licences must go along.
const inputs = Object.entries(Object.values(result.metafile.outputs)[0].inputs);
const packages = new Set();
for (const [path, { bytesInOutput }] of inputs) {
  const match = path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (match && bytesInOutput > 0) packages.add(match[1]);
}
const parts = ["niivue.js is a bundle of these packages, each under its own licence.\n"];
for (const name of [...packages].sort()) {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json")));
  const file = readdirSync(folder).find((item) => /^licen[cs]e/i.test(item));
  // NiiVue's package comes without the text, which is taken from its repository.
  const path = file ? join(folder, file) : join(here, "licences", `${name.replace("/", "-")}.txt`);
  const text = readFileSync(path, "utf8").replace(/\r\n/g, "\n").trim();
  parts.push(`${"=".repeat(79)}\n${name} ${version} (${license})\n${"=".repeat(79)}\n\n${text}\n`);
}
writeFileSync(join(out, "niivue.licences.txt"), parts.join("\n"));
