/**
 * Builds the core (four binaries), the host (modules, then bundles of them) and the dashboard. Fails on
 * any compiler warning and on an artefact that was not written by this run.
 * `node .ci/build.mjs [wasm] [js] [web]` builds only what is named.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { bundle } from "./bundle.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const parts = process.argv.slice(2);
const wants = (part) => parts.length === 0 || parts.includes(part);

function run(command, args) {
  const done = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  const output = `${done.stdout ?? ""}${done.stderr ?? ""}`;
  if (output.trim() !== "") process.stderr.write(output);
  if (done.status !== 0 || /\bWARNING\b/.test(output)) {
    process.stderr.write(`build failed: ${[command, ...args].join(" ")}\n`);
    process.exit(1);
  }
}

if (wants("wasm")) {
  mkdirSync(`${root}/build/wasm`, { recursive: true });
  for (const target of ["debug", "release", "shared", "relaxed"]) {
    const artefact = `${root}/build/wasm/${target}.wasm`;
    rmSync(artefact, { force: true });
    run(process.execPath, [
      `${root}/node_modules/assemblyscript/bin/asc.js`,
      "--config",
      "asconfig.json",
      "--target",
      target,
    ]);
    if (!existsSync(artefact) || statSync(artefact).size === 0) {
      process.stderr.write(`build failed: ${target}.wasm was not written\n`);
      process.exit(1);
    }
  }
}

if (wants("js")) {
  rmSync(`${root}/build/js`, { recursive: true, force: true });
  run(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, "-p", "tsconfig.json"]);
  if (!existsSync(`${root}/build/js/host/main.js`)) {
    process.stderr.write("build failed: host/main.js was not written\n");
    process.exit(1);
  }
  const host = `${root}build/js/host`;
  await bundle(`${root}build/bundle`, {
    main: `${host}/main.js`,
    index: `${host}/index.js`,
    core: `${host}/core/index.js`,
    client: `${host}/service/client.js`,
  });
}

if (wants("web")) {
  rmSync(`${root}/build/web`, { recursive: true, force: true });
  const web = `${root}/host/service/web`;
  run(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, "-p", web, "--noEmit"]);
  await build({
    root: web,
    configFile: false,
    base: "./",
    logLevel: "warn",
    build: {
      outDir: `${root}/build/web`,
      emptyOutDir: true,
      target: "es2023",
      // The page's policy lets no script in that stands in the page itself.
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
    },
  });
  if (!existsSync(`${root}/build/web/index.html`)) {
    process.stderr.write("build failed: the dashboard was not written\n");
    process.exit(1);
  }
}
