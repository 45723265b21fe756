/**
 * What moved between two versions, beyond the noise. Exits with 1 when something became slower.
 *
 *     npm run bench:compare BEFORE AFTER [--bench NAME] [--filter TEXT] [--rounds N]
 *
 * Two result files of `npm run bench -- --json FILE` are compared by each variant's ratio to its rival,
 * round by round: the two runs did not share the machine's moods, so absolute times say nothing, and
 * what a machine does to one variant alone from run to run is not in the interval. Two built checkouts
 * (folders) are run in turns, N times each, and compared in pairs: slower, but honest to a few percent.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Comparison, comparePairs, compareRuns } from "./support/comparison.js";
import type { BenchReport } from "./support/definition.js";

interface Options {
  readonly bench: string;
  readonly filter: string;
  readonly rounds: number;
}

function readReports(file: string): BenchReport[] {
  return JSON.parse(readFileSync(file, "utf8")) as BenchReport[];
}

/** Runs the benches of one checkout once, one round. */
function runOnce(folder: string, options: Options, scratch: string): BenchReport[] {
  const file = join(scratch, "report.json");
  const words = [join(folder, "build/js/bench/run.js"), "--rounds", "1", "--json", file];
  if (options.bench !== "") words.push(options.bench);
  if (options.filter !== "") words.push("--filter", options.filter);
  const done = spawnSync(process.execPath, words, { stdio: ["ignore", "ignore", "inherit"] });
  if (done.status !== 0) throw new Error(`the benches of ${folder} failed`);
  return readReports(file);
}

function runInTurns(before: string, after: string, options: Options): Comparison {
  const scratch = mkdtempSync(join(tmpdir(), "reprise-compare-"));
  const runs: [BenchReport[][], BenchReport[][]] = [[], []];
  try {
    for (let round = 0; round < options.rounds; round++) {
      // Each goes first in every other round.
      for (const side of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        runs[side].push(runOnce(side === 0 ? before : after, options, scratch));
      }
      console.error(`# round ${round + 1} of ${options.rounds}`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return comparePairs(...runs);
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bench: { type: "string", default: "" },
      filter: { type: "string", default: "" },
      rounds: { type: "string", default: "9" },
    },
  });
  const [before, after] = positionals;
  const rounds = Number(values.rounds);
  if (before === undefined || after === undefined || positionals.length > 2 || !(rounds >= 2)) {
    throw new Error("give two result files or two built checkouts, and at least 2 rounds");
  }
  const areFolders = [before, after].map((path) => statSync(path).isDirectory());
  if (areFolders[0] !== areFolders[1]) throw new Error("a file cannot be compared with a checkout");
  const { movements, unmatched } = areFolders[0]
    ? runInTurns(before, after, { ...values, rounds })
    : compareRuns(readReports(before), readReports(after));
  for (const { name, ratio, low, high, verdict } of movements) {
    const interval = `${low.toFixed(2)} to ${high.toFixed(2)}`;
    console.log(`${verdict.padEnd(6)}  ${ratio.toFixed(3)}x  (${interval})  ${name}`);
  }
  for (const name of unmatched) console.log(`only in one: ${name}`);
  const slower = movements.filter(({ verdict }) => verdict === "slower").length;
  const faster = movements.filter(({ verdict }) => verdict === "faster").length;
  console.log(`${movements.length} compared, ${faster} faster, ${slower} slower`);
  if (movements.length === 0) throw new Error("nothing to compare");
  if (slower > 0) process.exitCode = 1;
}

main();
