/**
 * How long does `reprise predict` take for many moments of one instance?
 *
 * Goals: the whole command, process start and reading of the trace included, beside the same answers
 * inside a running process; the aim is 1,000 cuts within 5 s. Non-goals: the kernels (gru, head).
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Prediction, predict } from "../host/cli/predict.js";
import { Prng } from "../host/lib/prng.js";
import { type BenchCase, benchMain } from "./support/harness.js";

const MAIN = fileURLToPath(new URL("../host/main.js", import.meta.url));
const INPUT = fileURLToPath(
  new URL("../../../host/replay/sample/bitbrains_rnd/series/rnd_102.csv.gz", import.meta.url),
);
/** Within the two weeks that the bundled series cover. */
const FROM_SECONDS = 1_378_100_000;
const SPAN_SECONDS = 1_000_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

const run = promisify(execFile);

function predictCase(count: number): BenchCase {
  return {
    name: `${count} cuts of one instance`,
    unit: "cuts",
    unitsPerCall: count,
    tolerance: 0,
    rival: "the command",
    open: () => {
      const folder = mkdtempSync(join(tmpdir(), "reprise-bench-predict-"));
      const cuts = join(folder, "cuts.json");
      writeFileSync(cuts, JSON.stringify(randomCuts(count)));
      let inside: readonly Prediction[] = [];
      let outside: readonly Prediction[] = [];
      const words = ["predict", "--format", "bitbrains", "--input", INPUT, "--cuts", cuts];
      return {
        variants: [
          {
            name: "in a running process",
            async: true,
            call: async () => {
              inside = await predict({ format: "bitbrains", input: INPUT, cuts });
            },
            output: () => numbersOf(inside),
          },
          {
            name: "the command",
            async: true,
            call: async () => {
              const options = { maxBuffer: OUTPUT_BYTES_MAX };
              const { stdout } = await run(process.execPath, [MAIN, ...words, "--json"], options);
              outside = parse(stdout);
            },
            output: () => numbersOf(outside),
          },
        ],
        close: () => rmSync(folder, { recursive: true }),
      };
    },
  };
}

function randomCuts(count: number): { readonly at: number; readonly outageMinutes: number }[] {
  const prng = new Prng(6);
  return Array.from({ length: count }, () => ({
    at: FROM_SECONDS + Math.floor(prng.uniform() * SPAN_SECONDS),
    outageMinutes: prng.below(4) * 10,
  }));
}

function parse(lines: string): Prediction[] {
  const texts = lines.trimEnd().split("\n");
  return texts.map((line) => JSON.parse(line) as Prediction);
}

function numbersOf(predictions: readonly Prediction[]): number[] {
  return predictions.flatMap(({ envelope }) => Object.values(envelope).flat(2));
}

await benchMain({
  name: "predict",
  question: "How long does `reprise predict` take for many moments of one instance?",
  binaries: ["shared"],
  cases: ({ smoke }) => [predictCase(smoke ? 10 : 1_000)],
});
