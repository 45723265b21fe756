/**
 * The tier below all classes: who still has to shrink once the victims are known, and by how much.
 *
 * Neighbours are asked before the victims are picked, for all that is short. Victims come whole, so
 * some of what neighbours would give is often not needed any more. Kept are the fewest donors, among
 * as few the least harmed; they then give what is needed, harmed alike (the core's `waterFill`).
 */
import { waterFill } from "../allocator/water-fill.js";
import type { ShrinkRecord } from "../ledger/records.js";
import { leastCover } from "./cover-kernel.js";

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
  const parts = partsOf([...kept], needed);
  const trimmed = new Map<string, readonly ShrinkRecord[]>();
  for (const [nodeId, records] of shrinks) {
    const left = records.flatMap((record) => {
      if (victims.has(record.donorId)) return [record];
      const given = parts.get(record);
      return given === undefined ? [] : [{ ...record, given }];
    });
    if (left.length > 0) trimmed.set(nodeId, left);
  }
  const changed =
    kept.size < donors.length || donors.some((record) => isLess(parts.get(record), record));
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

/** What each of them still gives. */
function partsOf(
  kept: readonly ShrinkRecord[],
  needed: readonly number[],
): ReadonlyMap<ShrinkRecord, readonly number[]> {
  const donors = kept.map(({ given, floor }) => ({
    most: given,
    held: given.map((amount, resource) => amount + (floor[resource] ?? 0)),
  }));
  const parts = waterFill(donors, needed);
  return new Map(kept.map((record, index) => [record, parts[index] ?? record.given]));
}

function isLess(part: readonly number[] | undefined, { given }: ShrinkRecord): boolean {
  return part === undefined || given.some((amount, resource) => (part[resource] ?? 0) < amount);
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
