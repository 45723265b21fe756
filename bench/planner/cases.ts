/** Random reclaim problems: log-normal sizes, costs that follow them, uneven needs, classes, donors. */
import { Prng } from "../../host/lib/prng.js";

export interface CaseShape {
  readonly count: number;
  /** Resources asked for, 1 to 4. */
  readonly resources: number;
  readonly classes: number;
  /** Share of the instances that could also shrink. */
  readonly donors: number;
}

export interface CaseInstance {
  readonly id: string;
  readonly priority: number;
  /** What its interruption frees, one value a resource. */
  readonly freed: readonly number[];
  /** What it gives by shrinking instead; part of `freed`. */
  readonly given: readonly number[];
  readonly cost: number;
  readonly startedMs: number;
  readonly applicationId: number;
}

export interface PlannerCase {
  readonly instances: readonly CaseInstance[];
  /** One value a resource. */
  readonly needed: readonly number[];
}

const APPLICATION_SIZE = 4;
const RESOURCES = [0, 1, 2, 3] as const;

/** Sizes of sigma .8, noise of .6 a resource, 7 to 65 % of what could be freed is asked for. */
export function plannerCase(shape: CaseShape, seed: number): PlannerCase {
  const prng = new Prng(seed);
  const instances = Array.from({ length: shape.count }, (_, index): CaseInstance => {
    const size = 0.8 * gauss(prng);
    const freed = RESOURCES.map((d) =>
      d < shape.resources ? onGrid(Math.exp(size + 0.6 * gauss(prng))) : 0,
    );
    const cost = Math.exp(0.7 * size + 0.6 * gauss(prng));
    const share = prng.uniform() < shape.donors ? 0.1 + 0.3 * prng.uniform() : 0;
    return {
      id: `i-${String(index).padStart(3, "0")}`,
      priority: Math.floor(prng.uniform() * shape.classes),
      freed,
      given: freed.map((amount) => onGrid(amount * share)),
      cost,
      startedMs: Math.floor(prng.uniform() * 86_400_000),
      applicationId: Math.floor(index / APPLICATION_SIZE),
    };
  });
  const needed = RESOURCES.map((d) => {
    const total = instances.reduce((sum, { freed }) => sum + (freed[d] ?? 0), 0);
    return onGrid(total * (0.07 + 0.58 * prng.uniform()));
  });
  return { instances, needed };
}

/** Amounts are multiples of 2^-10. */
function onGrid(amount: number): number {
  return Math.floor(amount * 1024) / 1024;
}

function gauss(prng: Prng): number {
  const radius = Math.sqrt(-2 * Math.log(1 - prng.uniform()));
  return radius * Math.cos(2 * Math.PI * prng.uniform());
}
