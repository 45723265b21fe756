/**
 * The restart lab.
 *
 *     node build/js/bench/restart-lab/run.js --out FOLDER [--runs 40] [--factor 120] [--seed 1]
 *
 * Writes results.jsonl as it goes (started again it goes on), then report.json, report.md and one
 * SVG a resource. 40 runs at factor 120 take about half an hour; 3 at 240 about 3 minutes.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { elapsedMs } from "../../host/lib/clock.js";
import { describeMachine } from "../support/machine.js";
import { Lab } from "./lab.js";
import { labSvg } from "./picture.js";
import { markdownOf, SCORED, tablesOf } from "./score.js";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: "build/restart-lab" },
    runs: { type: "string", default: "40" },
    factor: { type: "string", default: "120" },
    seed: { type: "string", default: "1" },
  },
});
const [runs, factor, seed] = [values.runs, values.factor, values.seed].map(Number);
if (!(Number(runs) >= 1 && Number(factor) >= 1 && Number.isInteger(seed))) {
  throw new Error("expected --runs and --factor from 1, --seed a whole number");
}

const startMs = elapsedMs();
mkdirSync(values.out, { recursive: true });
const lab = new Lab({
  folder: values.out,
  runs: Number(runs),
  factor: Number(factor),
  seed: Number(seed),
  onResult: ({ program, run }, done, all) => {
    const seconds = ((elapsedMs() - startMs) / 1000).toFixed(0);
    process.stderr.write(`${seconds} s: ${done} of ${all}, ${program} ${run + 1}\n`);
  },
});
const results = await lab.run();
const tables = tablesOf(results);
const report = { machine: describeMachine(), runs, factor, seed, tables };
writeFileSync(join(values.out, "report.json"), `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(join(values.out, "report.md"), markdownOf(tables));
for (const resource of SCORED) {
  writeFileSync(join(values.out, `restart-lab-${resource}.svg`), labSvg(results, resource));
}
process.stdout.write(markdownOf(tables));
