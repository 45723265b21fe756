/**
 * What the programs of the lab share: a loop in steps of 50 ms, time that runs faster than the
 * clock, and a file that outlives the process. Each program is told its folder, the factor and a
 * seed, and runs until it is ended.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../../../host/lib/clock.js";
import { Prng } from "../../../host/lib/prng.js";

const STEP_MS = 50;
const SAVE_STEPS = 5;

export interface Frame {
  readonly folder: string;
  readonly prng: Prng;
  /** Minutes of the lab's time since this life began, at the last step. */
  readonly minutes: number;
  /** Minutes of the lab's time that this step stands for; more when the machine was busy. */
  readonly stepMinutes: number;
  /** How long it was down before this life, minutes; 0 in the first one. */
  readonly outageMinutes: number;
  /** What `save` kept of the life before. */
  readonly kept: Readonly<Record<string, number>>;
}

export interface Program {
  step(frame: Frame): void;
  /** Numbers that outlive the process. */
  save?(): Readonly<Record<string, number>>;
}

interface State {
  readonly aliveMs: number;
  readonly kept: Readonly<Record<string, number>>;
}

export async function runProgram(open: (frame: Frame) => Program): Promise<void> {
  const [folder = ".", factorText = "1", seedText = "1"] = process.argv.slice(2);
  const minutesPerMs = Number(factorText) / 60_000;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "state.json");
  const state = readState(file);
  const startMs = Date.now();
  const first: Frame = {
    folder,
    prng: new Prng(Number(seedText)),
    minutes: 0,
    stepMinutes: 0,
    outageMinutes: state === undefined ? 0 : (startMs - state.aliveMs) * minutesPerMs,
    kept: state?.kept ?? {},
  };
  const program = open(first);
  let beforeMs = startMs;
  for (let count = 1; ; count++) {
    await sleep(STEP_MS);
    const nowMs = Date.now();
    const stepMinutes = (nowMs - beforeMs) * minutesPerMs;
    program.step({ ...first, minutes: (nowMs - startMs) * minutesPerMs, stepMinutes });
    beforeMs = nowMs;
    if (count % SAVE_STEPS !== 0) continue;
    const kept = program.save?.() ?? {};
    writeFileSync(`${file}.new`, JSON.stringify({ aliveMs: nowMs, kept } satisfies State));
    renameSync(`${file}.new`, file);
  }
}

function readState(file: string): State | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as State) : undefined;
}

/** A whole number of events with this mean, at random. */
export function arrivals(prng: Prng, mean: number): number {
  const whole = Math.floor(mean);
  return whole + (prng.uniform() < mean - whole ? 1 : 0);
}
