/** How a reader is tried with mutants: how often, from which seed, and what must hold. */
import { parseArgs } from "node:util";
import fc from "fast-check";
import * as assert from "uvu/assert";
import { elapsedMs } from "../../host/lib/clock.js";
import { type ErrorCode, isRepriseError } from "../../host/lib/errors.js";

export const ORDINARY_RUNS = 500;
export const SLOW_RUNS = 100_000;
const ONE_MAX_MS = 1_000;
/** Looked at again, before it is held to hang. */
const TIMES = 3;
/** Of a mutant that fails. */
const TOLD_BYTES = 2_000;

/** `--runs N` and `--seed N` after the file's name; a seed makes the same mutants again. */
const { values: given } = parseArgs({
  options: { runs: { type: "string" }, seed: { type: "string" } },
});

function parametersOf(runs: number) {
  return {
    numRuns: given.runs === undefined ? runs : Number(given.runs),
    // A mutant is small as it is, and making one smaller that hangs takes for ever.
    endOnFailure: true,
    ...(given.seed === undefined ? {} : { seed: Number(given.seed) }),
  };
}

function failureOf<T>({ seed, counterexample, errorInstance }: fc.RunDetails<[T]>): Error {
  const [mutant] = counterexample ?? [];
  const bytes = [mutant].flat().find((each) => each instanceof Uint8Array) ?? [];
  const text = Buffer.from(bytes).subarray(0, TOLD_BYTES).toString("latin1");
  const { stack } = Object(errorInstance) as { readonly stack?: unknown };
  const told = `${String(stack ?? errorInstance)}\n--seed ${seed} makes it again: ${text}`;
  return new Error(told, { cause: errorInstance });
}

/**
 * Processor time of what took long once. The machine may have been busy with something else, and
 * the collector with what other mutants left: what hangs does so each time.
 */
async function leastCostMs(act: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < TIMES && least >= ONE_MAX_MS; time++) {
    const before = process.cpuUsage();
    await act();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}

/** @param read takes one mutant; what it throws fails the test, which then names the seed */
export async function fuzz<T>(
  runs: number,
  mutants: fc.Arbitrary<T>,
  read: (mutant: T) => unknown,
): Promise<void> {
  const property = fc.asyncProperty(mutants, async (mutant) => {
    const beganMs = elapsedMs();
    await read(mutant);
    if (elapsedMs() - beganMs < ONE_MAX_MS) return;
    const costMs = await leastCostMs(() => read(mutant));
    assert.ok(costMs < ONE_MAX_MS, `it took ${costMs} ms of processor time`);
  });
  const details = await fc.check(property, parametersOf(runs));
  if (details.failed) throw failureOf(details);
  console.log(`  ${details.numRuns} mutants, seed ${details.seed}`);
}

/**
 * Runs a reader that may refuse, in its own words only. What it reads has to come out in one piece.
 *
 * @returns what was read; undefined when it was refused
 */
export async function readOrRefuse<T>(
  codes: readonly ErrorCode[],
  read: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isRepriseError(error) && codes.includes(error.code)) return undefined;
    throw error;
  }
}
