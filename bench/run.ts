/**
 * Runs bench files, each in a process of its own: all, or those named.
 *
 *     node build/js/bench/run.js [NAME ...] [--smoke] [--json [FILE]] [--filter TEXT] [--rounds N]
 *
 * With `--json` an array of the files' reports goes to FILE, or to the standard output instead of
 * the tables.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BenchArguments, parseBenchArguments } from "./support/arguments.js";

const folder = fileURLToPath(new URL(".", import.meta.url));
const SUFFIX = ".bench.js";

function findNames(wanted: readonly string[]): string[] {
  const all = readdirSync(folder)
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort();
  const unknown = wanted.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    throw new Error(`no bench called ${unknown.join(", ")}; there are ${all.join(", ")}`);
  }
  return wanted.length === 0 ? all : all.filter((name) => wanted.includes(name));
}

/** Runs one file; its report, or undefined when it failed. */
function runFile(name: string, options: BenchArguments, scratch: string): unknown {
  const reportFile = join(scratch, `${name}.json`);
  const quiet = options.json && options.jsonFile === undefined;
  const words = ["--json", reportFile, "--rounds", String(options.rounds)];
  if (options.smoke) words.push("--smoke");
  if (options.filter !== "") words.push("--filter", options.filter);
  const done = spawnSync(process.execPath, [join(folder, `${name}${SUFFIX}`), ...words], {
    stdio: ["ignore", quiet ? "ignore" : "inherit", "inherit"],
  });
  if (done.status !== 0) return undefined;
  return JSON.parse(readFileSync(reportFile, "utf8"));
}

function main(): void {
  const options = parseBenchArguments(process.argv.slice(2));
  const names = findNames(options.names);
  const scratch = mkdtempSync(join(tmpdir(), "reprise-bench-"));
  const failed: string[] = [];
  const reports: unknown[] = [];
  try {
    for (const name of names) {
      const report = runFile(name, options, scratch);
      if (report === undefined) failed.push(name);
      else reports.push(report);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const text = `${JSON.stringify(reports, null, 2)}\n`;
  if (options.jsonFile !== undefined) writeFileSync(options.jsonFile, text);
  else if (options.json) process.stdout.write(text);
  if (failed.length > 0) {
    console.error(`bench failed: ${failed.join(", ")}`);
    process.exitCode = 1;
  }
}

main();
