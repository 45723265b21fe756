/** The most that neighbours could give on a node: most questions need no search to be answered no. */
import { RESOURCE_COUNT } from "../core/abi.js";
import type { ShrinkRecord } from "../ledger/records.js";
import { LIMITS } from "../lib/limits.js";
import type { AskDonors } from "./inputs.js";

/** Of no group, so nobody comes first. */
const ANY_GROUP = "any";
const EVERYTHING: readonly number[] = new Array<number>(RESOURCE_COUNT).fill(LIMITS.amountMax);

export class DonorBounds {
  readonly #ask: AskDonors;
  readonly #byNode = new Map<string, readonly ShrinkRecord[]>();

  constructor(ask: AskDonors) {
    this.#ask = ask;
  }

  /** Of everybody on the node who is not `spent`, one value a resource; asked once a node. */
  atMost(nodeId: string, spent: ReadonlySet<string>): number[] {
    const sum = new Array<number>(RESOURCE_COUNT).fill(0);
    for (const { donorId, given } of this.#everybody(nodeId)) {
      if (spent.has(donorId)) continue;
      given.forEach((amount, resource) => {
        sum[resource] = (sum[resource] ?? 0) + amount;
      });
    }
    return sum;
  }

  #everybody(nodeId: string): readonly ShrinkRecord[] {
    const known = this.#byNode.get(nodeId);
    if (known !== undefined) return known;
    const answer = this.#ask({ nodeId, groupId: ANY_GROUP, missing: EVERYTHING, partial: true });
    this.#byNode.set(nodeId, answer);
    return answer;
  }
}
