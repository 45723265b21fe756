/**
 * Installs the peers if they are not there and runs the comparison: the net, or with `fit` first the
 * question which nodes have room.
 *
 *     npm run bench:peers [-- fit] [-- --smoke] [-- --json FILE.json] [-- --filter "H=32"]
 *                         [-- --rounds N] [-- --node 22]
 *
 * `--node VERSION` runs it under another Node, from the registry's package of that name.
 *
 * The peers are a package of their own with a lock file of its own, so that `npm ci` at the top
 * stays light. Install scripts are off: the native library comes inside the package, and the
 * scripts would only fetch accelerators.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

function run(command, args, cwd) {
  const done = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (done.status === 0) return true;
  process.exitCode = 1;
  return false;
}

function isInstalled() {
  const installed = existsSync(`${folder}node_modules/@tensorflow/tfjs-core/package.json`);
  const built = existsSync(`${root}build/js/bench/support/harness.js`);
  if (!built) console.error("build first: npm run build");
  if (installed || !built) return built;
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  return run(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder);
}

const options = process.argv.slice(2);
const bench = options[0] === "fit" ? options.shift() : "gru";
const nodeAt = options.indexOf("--node");
const [, version] = nodeAt < 0 ? [] : options.splice(nodeAt, 2);
const [command, ...before] =
  version === undefined ? [process.execPath] : ["npx", "--yes", `node@${version}`];

// --json is given to a child that runs here, so a relative FILE means the caller's folder.
if (isInstalled()) run(command, [...before, `${folder}${bench}.mjs`, ...options], ".");
else process.exitCode = 1;
