import { Prng } from "../../lib/prng.js";

/** Losses of two predictors on the same truths: one entry a truth. */
export interface PairedLoss {
  readonly instance: number;
  readonly phase: number;
  readonly ours: number;
  readonly theirs: number;
}

export interface Change {
  /** Loss of ours over theirs - 1, each the mean over phases of the mean over truths. */
  readonly change: number;
  /** 95 % interval. */
  readonly interval: readonly [number, number];
}

export const BOOTSTRAP_DRAWS = 1_000;
const PHASES = 3;

/** Paired bootstrap over instances: whole instances are drawn, with both their losses. */
export function pairedChange(losses: readonly PairedLoss[], seed = 1): Change {
  const sums = new Map<number, Float64Array>();
  for (const { instance, phase, ours, theirs } of losses) {
    const own = sums.get(instance) ?? new Float64Array(3 * PHASES);
    sums.set(instance, own);
    own[3 * phase] = (own[3 * phase] ?? 0) + ours;
    own[3 * phase + 1] = (own[3 * phase + 1] ?? 0) + theirs;
    own[3 * phase + 2] = (own[3 * phase + 2] ?? 0) + 1;
  }
  const instances = [...sums.values()];
  const prng = new Prng(seed);
  const changes = Array.from({ length: BOOTSTRAP_DRAWS }, () =>
    changeOf(instances.map(() => instances[prng.below(instances.length)] ?? new Float64Array())),
  )
    .filter((change) => !Number.isNaN(change))
    .sort((a, b) => a - b);
  const at = (share: number) => changes[Math.floor(share * (changes.length - 1))] ?? Number.NaN;
  return { change: changeOf(instances), interval: [at(0.025), at(0.975)] };
}

function changeOf(instances: readonly Float64Array[]): number {
  const total = new Float64Array(3 * PHASES);
  for (const own of instances) {
    for (let index = 0; index < total.length; index++) {
      total[index] = (total[index] ?? 0) + (own[index] ?? 0);
    }
  }
  let [ours, theirs] = [0, 0];
  for (let phase = 0; phase < PHASES; phase++) {
    const count = total[3 * phase + 2] ?? 0;
    if (count === 0) continue;
    ours += (total[3 * phase] ?? 0) / count;
    theirs += (total[3 * phase + 1] ?? 0) / count;
  }
  return ours / theirs - 1;
}
