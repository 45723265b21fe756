/** Turns V8's raw coverage of the test run into a table of host lines, by c8. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const LINES_RATIO_MIN = 0.9;

/**
 * Prints coverage a folder of host/ and in total; every host file counts, also one that no test
 * loaded. True when the total is high enough.
 */
export function reportCoverage(root, rawFolder) {
  const reportFolder = `${root}build/coverage`;
  const done = spawnSync(
    process.execPath,
    [
      `${root}node_modules/c8/bin/c8.js`,
      "report",
      "--temp-directory",
      rawFolder,
      "--reports-dir",
      reportFolder,
      "--all",
      "--src",
      "build/js/host",
      "--include",
      "build/js/host/**/*.js",
      "--exclude",
      "**/*.d.ts",
      ...typeOnlyFiles(root).flatMap((file) => ["--exclude", file]),
      "--merge-async",
      "--reporter",
      "json-summary",
    ],
    { cwd: root, encoding: "utf8" },
  );
  if (done.status !== 0) {
    console.log(`coverage failed:\n${done.stdout}${done.stderr}`);
    return false;
  }
  const summary = JSON.parse(readFileSync(`${reportFolder}/coverage-summary.json`, "utf8"));
  return printSummary(root, summary);
}

/** Files that hold types alone compile to nothing, so no run can load or cover them. */
function typeOnlyFiles(root) {
  return readdirSync(`${root}build/js/host`, { recursive: true })
    .map((name) => `build/js/host/${name.replaceAll("\\", "/")}`)
    .filter((name) => name.endsWith(".js"))
    .filter((name) => {
      const code = readFileSync(`${root}${name}`, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
      return code.trim() === "export {};";
    });
}

function printSummary(root, summary) {
  const folders = new Map();
  const low = [];
  for (const [file, { lines }] of Object.entries(summary)) {
    if (file === "total") continue;
    const name = file.slice(root.length).replaceAll("\\", "/");
    const folder = name.slice(0, name.lastIndexOf("/"));
    const sum = folders.get(folder) ?? { covered: 0, total: 0 };
    sum.covered += lines.covered;
    sum.total += lines.total;
    folders.set(folder, sum);
    if (lines.covered < LINES_RATIO_MIN * lines.total) low.push({ name, ...lines });
  }
  console.log("\nline coverage");
  for (const [folder, sum] of [...folders].sort()) console.log(describe(folder, sum));
  for (const { name, covered, total } of low) {
    console.log(`    below the mean wanted: ${describe(name, { covered, total }).trim()}`);
  }
  const { lines } = summary.total;
  console.log(describe("total", lines));
  const enough = lines.total > 0 && lines.covered >= LINES_RATIO_MIN * lines.total;
  if (!enough) console.log(`coverage is below ${100 * LINES_RATIO_MIN} % of host lines`);
  return enough;
}

function describe(name, { covered, total }) {
  const percent = total === 0 ? 100 : (100 * covered) / total;
  return `  ${name.padEnd(40)} ${percent.toFixed(1).padStart(5)} %  ${covered} of ${total}`;
}
