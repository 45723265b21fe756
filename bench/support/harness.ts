/**
 * The bench harness: one question a file, over tinybench.
 *
 * Goals: variants of a case agree before they are timed and take turns within one run, so that a
 * ratio is fair although the machine is shared. Non-goals: absolute times that hold elsewhere;
 * catching a regression smaller than the noise.
 *
 *     import { benchMain } from "./support/harness.js";
 *     import { seededFloats } from "./support/data.js";
 *
 *     await benchMain({
 *       name: "fit",
 *       question: "How many of 10,000 nodes fit a need?",
 *       binaries: ["shared"],
 *       cases: ({ smoke }) => [
 *         {
 *           name: "1 need x 10,000 nodes",
 *           unit: "nodes",
 *           unitsPerCall: smoke ? 16 : 10_000,
 *           tolerance: 0,
 *           rival: "plain JavaScript",
 *           open: () => {
 *             const room = seededFloats(1, 16, { min: 0, max: 8 });
 *             return {
 *               variants: [
 *                 { name: "kernel", call: () => kernel.fitCount(...), output: () => counts },
 *                 { name: "plain JavaScript", call: () => fitCount(room), output: () => plain },
 *               ],
 *             };
 *           },
 *         },
 *       ],
 *     });
 *
 * Every bench file takes `--smoke`, `--json [FILE]`, `--filter TEXT` (on case names), `--rounds N`.
 * `npm run bench -- [NAME ...] [options]` runs all files or those named.
 */
import { writeFileSync } from "node:fs";
import { checkAgreement } from "./agreement.js";
import { type BenchArguments, parseBenchArguments } from "./arguments.js";
import type {
  BenchCase,
  BenchDefinition,
  BenchReport,
  BenchVariant,
  CaseResult,
  VariantResult,
} from "./definition.js";
import { describeBinaries, describeMachine } from "./machine.js";
import { printCase, printHeader } from "./print.js";
import { measureRounds, type Timing } from "./rounds.js";

export type { BenchCase, BenchContext, BenchDefinition, BenchVariant } from "./definition.js";

/** Runs one bench file from the command line. A disagreement or an error exits with code 1. */
export async function benchMain(definition: BenchDefinition): Promise<void> {
  const options = parseBenchArguments(process.argv.slice(2));
  const report = await runBench(definition, options);
  const text = `${JSON.stringify(report, null, 2)}\n`;
  if (options.jsonFile !== undefined) writeFileSync(options.jsonFile, text);
  else if (options.json) process.stdout.write(text);
}

async function runBench(
  definition: BenchDefinition,
  options: BenchArguments,
): Promise<BenchReport> {
  const quiet = options.json && options.jsonFile === undefined;
  const header = {
    name: definition.name,
    question: definition.question,
    smoke: options.smoke,
    machine: describeMachine(),
    binaryBytes: describeBinaries(definition.binaries),
  };
  if (!quiet) printHeader(header);
  const cases: CaseResult[] = [];
  for (const benchCase of definition.cases({ smoke: options.smoke })) {
    if (!benchCase.name.includes(options.filter)) continue;
    const result = await runCase(benchCase, options);
    cases.push(result);
    if (!quiet) printCase(result);
  }
  if (cases.length === 0)
    console.error(`# ${definition.name}: no case has "${options.filter}" in it`);
  return { ...header, cases };
}

async function runCase(benchCase: BenchCase, options: BenchArguments): Promise<CaseResult> {
  const opened = await benchCase.open();
  try {
    const { variants } = opened;
    const rival = benchCase.rival ?? variants.at(-1)?.name ?? "";
    if (!variants.some(({ name }) => name === rival)) {
      throw new Error(`${benchCase.name}: no variant is called "${rival}"`);
    }
    const agreements = await checkAgreement(benchCase, variants);
    const timings = await measureRounds(variants, options);
    const rivalTiming = timings[variants.findIndex(({ name }) => name === rival)] as Timing;
    const results = variants.map((variant, index) => ({
      ...summarize(benchCase, variant, timings[index] as Timing, rivalTiming),
      ...(agreements[index] as { maxDifference: number; outputHash: string }),
    }));
    const { name, unit, unitsPerCall } = benchCase;
    return { name, unit, unitsPerCall, rival, variants: results };
  } finally {
    await opened.close?.();
  }
}

function summarize(
  benchCase: BenchCase,
  variant: BenchVariant,
  timing: Timing,
  rival: Timing,
): Omit<VariantResult, "maxDifference" | "outputHash"> {
  const callsPerSecond = 1e9 / timing.p50Ns;
  return {
    name: variant.name,
    p50Ns: timing.p50Ns,
    p99Ns: timing.p99Ns,
    meanNs: timing.meanNs,
    relativeErrorRatio: timing.relativeErrorRatio,
    samplesCount: timing.samplesCount,
    callsPerSample: timing.callsPerSample,
    nsPerUnit: timing.p50Ns / benchCase.unitsPerCall,
    unitsPerSecond: benchCase.unitsPerCall * callsPerSecond,
    ...(benchCase.bytesPerCall === undefined
      ? {}
      : { bytesPerSecond: benchCase.bytesPerCall * callsPerSecond }),
    ...(benchCase.flopsPerCall === undefined
      ? {}
      : { flopsPerSecond: benchCase.flopsPerCall * callsPerSecond }),
    ratioToRival: rival.p50Ns / timing.p50Ns,
    ratioToRivalBest: rival.bestNs / timing.bestNs,
    roundsNs: timing.roundsNs,
  };
}
