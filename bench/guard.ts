/**
 * Holds the core to floors of its speed, each a ratio between two ways of ours within one run: no
 * absolute time, so that any machine will do. Exits with 1 when a floor is missed three times.
 *
 *     npm run bench:guard
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BenchReport } from "./support/definition.js";

interface Floor {
  readonly bench: string;
  readonly filter: string;
  readonly variant: string;
  /** Least ratio of the rival's fastest sample to the variant's. */
  readonly ratioMin: number;
}

const FLOORS: readonly Floor[] = [
  { bench: "gru", filter: "H=32 B=1024", variant: "core", ratioMin: 10 },
  { bench: "head", filter: "H=32 B=1024", variant: "core", ratioMin: 8 },
  {
    bench: "fit",
    filter: "count: needs=1024 nodes=10000 columns=12",
    variant: "core",
    ratioMin: 10,
  },
  { bench: "consider", filter: "none has room", variant: "adviser", ratioMin: 8 },
];
const ATTEMPTS = 3;
const ROUNDS = 3;

const runner = fileURLToPath(new URL("run.js", import.meta.url));

function measure(floor: Floor, file: string): number {
  const words = [floor.bench, "--filter", floor.filter, "--rounds", `${ROUNDS}`, "--json", file];
  const done = spawnSync(process.execPath, [runner, ...words], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (done.status !== 0) throw new Error(`bench ${floor.bench} failed`);
  const reports = JSON.parse(readFileSync(file, "utf8")) as BenchReport[];
  const variant = reports[0]?.cases[0]?.variants.find(({ name }) => name === floor.variant);
  if (variant === undefined) throw new Error(`no ${floor.variant} in ${floor.bench}`);
  return variant.ratioToRivalBest;
}

function main(): void {
  const scratch = mkdtempSync(join(tmpdir(), "reprise-guard-"));
  let missed = 0;
  try {
    for (const floor of FLOORS) {
      let best = 0;
      // Load on the machine may cost one run its ratio, not three.
      for (let attempt = 0; attempt < ATTEMPTS && best < floor.ratioMin; attempt++) {
        best = Math.max(best, measure(floor, join(scratch, "report.json")));
      }
      const isKept = best >= floor.ratioMin;
      if (!isKept) missed++;
      const said = `${best.toFixed(1)}x plain JavaScript, at least ${floor.ratioMin}x wanted`;
      console.log(`${isKept ? "kept  " : "MISSED"} ${floor.bench} ${floor.filter}: ${said}`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  if (missed > 0) process.exitCode = 1;
}

main();
