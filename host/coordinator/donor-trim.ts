/**
 * The tier below all classes: who still has to shrink once the victims are known, and by how much.
 *
 * Neighbours are asked before the victims are picked, for all that is short. Victims come whole, so
 * some of what neighbours would give is often not needed any more. Kept are the fewest donors, among
 * as few the least harmed; each then gives the same share of its part, no more than is needed.
 */
import type { ShrinkRecord } from "../ledger/records.js";
import { leastCover } from "./cover-kernel.js";

/** Amounts are multiples of 2^-10. */
const STEPS = 1024;

export type ShrinksByNode = ReadonlyMap<string, readonly ShrinkRecord[]>;

export interface TrimmedShrinks {
  readonly shrinks: ShrinksByNode;
  readonly donorCount: number;
  /** No choice of fewer donors gives as much. */
  readonly donorCountMin: number;
  /** Anything was given up. */
  readonly changed: boolean;
}

/** `spare`: what is freed beyond the need, one value a resource. What victims gave is left as it is. */
export function trimShrinks(
  shrinks: ShrinksByNode,
  spare: readonly number[],
  victims: ReadonlySet<string>,
): TrimmedShrinks {
  const donors = [...shrinks.values()].flat().filter(({ donorId }) => !victims.has(donorId));
  if (donors.length === 0) return { shrinks, donorCount: 0, donorCountMin: 0, changed: false };
  const total = sumOver(donors, spare.length);
  const needed = total.map((amount, resource) => Math.max(0, amount - (spare[resource] ?? 0)));
  const harms = donors.map(harmOf);
  // So light that all harms together weigh less than one donor.
  const weight = 1 / (1 + harms.reduce((sum, harm) => sum + harm, 0));
  const answer = leastCover({
    freed: donors.map(({ given }) => given),
    costs: harms.map((harm) => 1 + harm * weight),
    groups: donors.map((_, index) => index),
    needed,
    budgets: donors.map(() => 1),
  });
  const kept = new Set(donors.filter((_, index) => answer.chosen[index] === true));
  const keptTotal = sumOver([...kept], spare.length);
  const shares = needed.map((amount, resource) => {
    const all = keptTotal[resource] ?? 0;
    return all > 0 ? Math.min(1, amount / all) : 0;
  });
  const trimmed = new Map<string, readonly ShrinkRecord[]>();
  for (const [nodeId, records] of shrinks) {
    const left = records.flatMap((record) => {
      if (victims.has(record.donorId)) return [record];
      return kept.has(record) ? [{ ...record, given: scaled(record.given, shares) }] : [];
    });
    if (left.length > 0) trimmed.set(nodeId, left);
  }
  const changed = kept.size < donors.length || shares.some((share) => share < 1);
  const heaviest = 1 + weight * Math.max(...harms);
  const donorCountMin = Math.ceil(answer.bound / heaviest - 1e-9);
  return { shrinks: trimmed, donorCount: kept.size, donorCountMin, changed };
}

/** Share of what it holds that it gives, summed over the resources. */
function harmOf({ given, floor }: ShrinkRecord): number {
  return given.reduce((sum, amount, resource) => {
    const held = amount + (floor[resource] ?? 0);
    return held > 0 ? sum + amount / held : sum;
  }, 0);
}

/** Rounded up, so that the donors together still give enough. */
function scaled(given: readonly number[], shares: readonly number[]): number[] {
  return given.map((amount, resource) => {
    const part = Math.ceil(amount * (shares[resource] ?? 1) * STEPS) / STEPS;
    return Math.min(amount, part);
  });
}

function sumOver(donors: readonly ShrinkRecord[], count: number): number[] {
  const sum = new Array<number>(count).fill(0);
  for (const { given } of donors) {
    given.forEach((amount, resource) => {
      sum[resource] = (sum[resource] ?? 0) + amount;
    });
  }
  return sum;
}
