/**
 * What a restart costs beyond the trace, which goes on as if nothing had happened:
 *
 *   y(t) = base(t) (1 + A e^(-(t - t1) / T)) + backlog
 *
 * A is log-normal with a median of 1.2 and a P90 of 4.5 for CPU over all programs, T lies between 3
 * and 12 minutes. A program has its own median and T, drawn by the seed, and a spread of its own.
 */
import { RESOURCE_COUNT } from "../../core/abi.js";
import { exponential } from "../../lib/elementary.js";
import { Prng } from "../../lib/prng.js";
import { draw } from "../draw.js";

const MEDIAN = 1.2;
/** ln(4.5 / 1.2) / 1.2816. */
const SPREAD = 1.0313;
/** Of the spread, what lies between programs and what between restarts of one. */
const BETWEEN = 0.6;
const WITHIN = Math.sqrt(SPREAD * SPREAD - BETWEEN * BETWEEN);
const DECAY_MINUTES = { min: 3, max: 12 } as const;
/** A backlog grows with the outage up to this and is worked off in as long as half of it. */
const BACKLOG_MINUTES_MAX = 60;
const DRAIN_RATIO = 0.5;
/** Twelve uniform numbers less their mean: normal within 1 % up to two spreads, the same bits
 * everywhere. */
const UNIFORMS = 12;

/** Programs: which resources a restart burns, as a share of A; whether work waits meanwhile. */
export const PROGRAMS = [
  { jobType: "web-cache", share: [1, 0.3, 0.5, 1], hasBacklog: false },
  { jobType: "jit-service", share: [1, 0.2, 0, 0.2], hasBacklog: false },
  { jobType: "batch-checkpoint", share: [0.5, 0.3, 0, 1], hasBacklog: false },
  { jobType: "database", share: [0.5, 0.5, 0.2, 1], hasBacklog: false },
  { jobType: "queue-consumer", share: [0.5, 0.2, 0.5, 0.2], hasBacklog: true },
  { jobType: "cron", share: [0, 0, 0, 0], hasBacklog: false },
] as const;

export type Program = (typeof PROGRAMS)[number];

/** The surge of one restart. */
export interface Surge {
  /** Share of the base that is added at the restart, one value a resource. */
  readonly amplitude: readonly number[];
  readonly decayMinutes: number;
  /** Share of the base's CPU and network that is added while the backlog lasts. */
  readonly backlog: number;
  readonly backlogMinutes: number;
}

export class SurgeLaw {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Each instance runs one program. */
  programOf(instanceId: string): Program {
    const index = Math.floor(draw(this.#seed, `program ${instanceId}`) * PROGRAMS.length);
    return PROGRAMS[index] ?? PROGRAMS[0];
  }

  /** @param outageMinutes how long it was down */
  surge(program: Program, name: string, outageMinutes: number): Surge {
    const seed = this.#seed;
    const { jobType, share, hasBacklog } = program;
    const typical = BETWEEN * normal(seed, `median ${jobType}`);
    const amplitude = MEDIAN * exponential(typical + WITHIN * normal(seed, `surge ${name}`));
    const { min, max } = DECAY_MINUTES;
    const waiting = hasBacklog ? Math.min(outageMinutes, BACKLOG_MINUTES_MAX) : 0;
    return {
      amplitude: share.map((part) => part * amplitude),
      decayMinutes: min + (max - min) * draw(seed, `decay ${jobType}`),
      backlog: waiting > 0 ? 1 / DRAIN_RATIO : 0,
      backlogMinutes: waiting * DRAIN_RATIO,
    };
  }
}

/** Factors of the base in each minute of the hour after the restart, minute x resource. */
export function surgeFactors(surge: Surge, minutes: number): Float32Array {
  const { amplitude, decayMinutes, backlog, backlogMinutes } = surge;
  const factors = new Float32Array(minutes * RESOURCE_COUNT);
  const step = exponential(-1 / decayMinutes);
  let decay = 1;
  for (let minute = 0; minute < minutes; minute++, decay *= step) {
    const extra = backlog * Math.max(0, Math.min(1, backlogMinutes - minute));
    for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
      // Work that waited is computed and received; it neither fills memory nor the disk.
      const waiting = resource === 0 || resource === 2 ? extra : 0;
      factors[minute * RESOURCE_COUNT + resource] =
        1 + (amplitude[resource] ?? 0) * decay + waiting;
    }
  }
  return factors;
}

function normal(seed: number, name: string): number {
  const prng = new Prng(Math.floor(draw(seed, name) * 2 ** 32));
  let sum = -UNIFORMS / 2;
  for (let index = 0; index < UNIFORMS; index++) sum += prng.uniform();
  return sum;
}
