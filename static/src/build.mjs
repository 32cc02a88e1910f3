// Builds static/built/ from our Sass and the kits from npm (`make assets`). Nothing built is committed.

import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as sass from "sass";
import subsetFont from "subset-font";

const source = dirname(fileURLToPath(import.meta.url));
const root = join(source, "..", "..");
const modules = join(root, "node_modules");
const target = join(root, "static", "built");
// Finished beside the old one and exchanged at the end: a page never meets half a build.
const draft = `${target}.new`;
const logger = {
  // Warnings of the kits are not ours to mend.
  warn: (message, { stack = "" }) => stack.startsWith("node_modules") || console.warn(message, stack),
};

async function styles() {
  for (const name of ["citizen", "staff"]) {
    const { css } = sass.compile(join(source, `${name}.scss`), {
      loadPaths: [root, modules], // the MoJ kit asks for `node_modules/govuk-frontend`
      style: "compressed",
      quietDeps: true,
      logger,
    });
    await writeFile(join(draft, `${name}.css`), css);
  }
}

async function scripts() {
  const kits = { "govuk-frontend.min.js": "govuk-frontend/dist/govuk", "moj-frontend.min.js": "@ministryofjustice/frontend/moj" };
  for (const [file, folder] of Object.entries(kits)) {
    // Without the reference to a map that is not served: the hashing of static files would look for it.
    const script = await readFile(join(modules, folder, file), "utf8");
    await writeFile(join(draft, file), script.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n"));
  }
  await cp(join(source, "welfare.js"), join(draft, "welfare.js"));
}

async function fonts() {
  await mkdir(join(draft, "fonts"));
  for (const weight of [400, 700]) {
    for (const subset of ["latin", "vietnamese"]) {
      const file = `be-vietnam-pro-${subset}-${weight}-normal.woff2`;
      await cp(join(modules, "@fontsource/be-vietnam-pro/files", file), join(draft, "fonts", file));
    }
    const inter = await readFile(join(modules, "@fontsource/inter/files", `inter-latin-${weight}-normal.woff2`));
    const digits = await subsetFont(inter, "0123456789%+,-.:\u2212", { targetFormat: "woff2", keepFeatures: ["tnum", "kern"] });
    await writeFile(join(draft, "fonts", `inter-digits-${weight}.woff2`), digits);
  }
}

async function images() {
  const icons = join(modules, "@ministryofjustice/frontend/moj/assets/images");
  await mkdir(join(draft, "images"));
  for (const file of (await readdir(icons)).filter((name) => name.startsWith("icon-") && name.endsWith(".svg"))) {
    await cp(join(icons, file), join(draft, "images", file));
  }
}

async function licences() {
  const packages = ["govuk-frontend", "@ministryofjustice/frontend", "@fontsource/be-vietnam-pro", "@fontsource/inter"];
  const texts = packages.map(async (name) => {
    const folder = join(modules, name);
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    return `${name} ${version} (${license})\n\n${file ? await readFile(join(folder, file), "utf8") : ""}`;
  });
  await writeFile(join(draft, "LICENCES.txt"), (await Promise.all(texts)).join("\n\n"));
}

await rm(draft, { recursive: true, force: true });
await mkdir(draft, { recursive: true });
await Promise.all([styles(), scripts(), fonts(), images(), licences()]);
await rm(target, { recursive: true, force: true });
await rename(draft, target);
