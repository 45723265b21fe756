/**
 * Which neighbours can give room on a node before anyone is interrupted.
 *
 * A donor gives `allocation - floor`, the floor being what it needs if left alone (.95, memory .99)
 * or what it is measured to use, memory with a margin, whichever is more. It gives only of what it
 * has held clearly more than it needs for some ticks, and nothing for a while once it refused. The
 * requester's own group gives first; within it the donor that covers the largest share of what is
 * missing. When other groups have to give too, whoever they make needless is left out. One resource
 * alone: the fewest donors. Several: greedy. Those chosen give what is missing, harmed alike.
 */
import { RESOURCE_COUNT, RESOURCES } from "../core/abi.js";
import { compareKeys } from "../ledger/encoding.js";
import type { AllocationRecord, ShrinkRecord } from "../ledger/records.js";
import { hasNoSample, withLastResort } from "../profiler/last-resort.js";
import type { BehaviourProfile, ProfileReader } from "../profiler/profile.js";
import { checkResourceAmounts, roundUp } from "./amounts.js";
import type { Book } from "./book.js";
import { checkFields, checkId, requireNode } from "./checks.js";
import type { DonorWatch } from "./donor-watch.js";
import type { LoadReader } from "./load.js";
import { keepNeed } from "./needs.js";
import { FORCED_KEEP_QUANTILE, PROMISE_QUANTILE, WORKING_SET_MARGIN } from "./policy.js";
import { isZero } from "./room.js";
import type { Tenancy } from "./tenancy.js";
import type { DonorSearch } from "./types.js";
import type { WaterFill } from "./water-fill.js";

const MEMORY = RESOURCES.indexOf("memory");

interface Giver {
  readonly donorId: string;
  readonly sameGroup: boolean;
  readonly floor: readonly number[];
  readonly give: readonly number[];
  readonly held: readonly number[];
}

export interface DonorPorts {
  readonly book: Book;
  readonly tenancy: Tenancy;
  readonly profiles: ProfileReader;
  readonly load: LoadReader;
  readonly watch: DonorWatch;
  readonly water: WaterFill;
}

export class Donors {
  readonly #ports: DonorPorts;

  constructor(ports: DonorPorts) {
    this.#ports = ports;
  }

  /** Shrinks that cover `missing`; empty when that cannot be (unless `partial`) or nothing is. */
  search(search: DonorSearch, nowMs: number): readonly ShrinkRecord[] {
    checkFields(search, "search");
    checkId(search.groupId, "groupId");
    checkResourceAmounts(search.missing, "missing");
    const missing = search.missing.map(roundUp);
    const givers = this.#givers(search, nowMs);
    const { chosen, rest } = choose(givers, missing);
    if (chosen.length === 0 || (!isZero(rest) && search.partial !== true)) return [];
    const needed = dropNeedless(
      chosen,
      missing.map((amount, r) => amount - (rest[r] ?? 0)),
    );
    return this.#share(needed, missing, search.nodeId);
  }

  /** All harmed alike, the requester's own group first. */
  #share(givers: readonly Giver[], missing: readonly number[], nodeId: string): ShrinkRecord[] {
    let rest = missing;
    return [true, false].flatMap((sameGroup) => {
      const those = givers.filter((giver) => giver.sameGroup === sameGroup);
      if (those.length === 0) return [];
      const donors = those.map(({ give: most, held }) => ({ most, held }));
      return this.#ports.water.share(donors, rest).flatMap((given, index) => {
        const giver = those[index];
        if (giver === undefined || isZero(given)) return [];
        rest = subtract(rest, given);
        return [{ donorId: giver.donorId, nodeId, given, floor: giver.floor }];
      });
    });
  }

  #givers(search: DonorSearch, nowMs: number): Giver[] {
    const { book, profiles, watch } = this.#ports;
    const node = requireNode(book, search.nodeId);
    const givers: Giver[] = [];
    for (const donorId of [...node.members].sort(compareKeys)) {
      const record = book.allocations.get(donorId);
      // Who is to be interrupted itself, or is not known, gives nothing.
      if (record === undefined || search.exclude?.has(donorId)) continue;
      if (search.mayGive?.(donorId) === false) continue;
      if (book.heldByInstance.has(donorId) || !profiles.has(donorId)) continue;
      if (watch.isRefusing(donorId, nowMs)) continue;
      const profile = withLastResort(profiles.profile(donorId), record.allocated);
      // Nobody knows yet what it could do without, whatever it asked for.
      if (hasNoSample(profile)) continue;
      const forced = search.forced === true;
      const floor = this.#floor(record, profile, forced);
      const give = record.allocated.map((amount, r) =>
        forced || watch.mayGive(donorId, r) ? Math.max(0, amount - (floor[r] ?? 0)) : 0,
      );
      const sameGroup = record.groupId === search.groupId;
      givers.push({ donorId, sameGroup, floor, give, held: record.allocated });
    }
    return givers;
  }

  #floor(record: AllocationRecord, profile: BehaviourProfile, forced: boolean): number[] {
    const { load, tenancy } = this.#ports;
    const usage = load.instanceUsage(record.instanceId);
    const quantile = forced ? FORCED_KEEP_QUANTILE : PROMISE_QUANTILE;
    const own = keepNeed(profile, quantile).map((need, r) => {
      const used = usage?.[r];
      const kept = (used ?? 0) * (r === MEMORY ? 1 + WORKING_SET_MARGIN : 1);
      return kept > need ? roundUp(kept) : need;
    });
    return tenancy.floorOf(record.instanceId, own);
  }
}

function choose(
  givers: readonly Giver[],
  missing: readonly number[],
): { chosen: Giver[]; rest: number[] } {
  const chosen: Giver[] = [];
  let rest = [...missing];
  for (const sameGroup of [true, false]) {
    const left = new Set(givers.filter((giver) => giver.sameGroup === sameGroup));
    while (!isZero(rest)) {
      let best: Giver | undefined;
      let bestCover = 0;
      for (const giver of left) {
        const cover = coverOf(giver, rest, missing);
        if (cover > bestCover) [best, bestCover] = [giver, cover];
      }
      if (best === undefined) break;
      left.delete(best);
      chosen.push(best);
      rest = subtract(rest, best.give);
    }
  }
  return { chosen, rest };
}

/** Share of what was missing that the giver covers of the rest, summed over the resources. */
function coverOf(giver: Giver, rest: readonly number[], missing: readonly number[]): number {
  let cover = 0;
  for (let r = 0; r < RESOURCE_COUNT; r++) {
    const lack = rest[r] ?? 0;
    if (lack > 0) cover += Math.min(giver.give[r] ?? 0, lack) / (missing[r] ?? 1);
  }
  return cover;
}

/** Leaves out whom the others can do without, the last chosen first. */
function dropNeedless(chosen: readonly Giver[], wanted: readonly number[]): Giver[] {
  let kept = [...chosen];
  for (const giver of [...chosen].reverse()) {
    const others = kept.filter((other) => other !== giver);
    const rest = others.reduce<readonly number[]>(
      (left, other) => subtract(left, other.give),
      wanted,
    );
    if (isZero(rest)) kept = others;
  }
  return kept;
}

function subtract(from: readonly number[], amounts: readonly number[]): number[] {
  return from.map((value, r) => Math.max(0, value - (amounts[r] ?? 0)));
}
