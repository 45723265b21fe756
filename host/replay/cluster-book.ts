import { RESOURCE_COUNT } from "../core/abi.js";
import { addAmounts, type NodeRoom } from "./capacity.js";
import type { Amounts, ReplayInstance, Scenario } from "./scenario.js";

/** An instance that is up, and what it holds where. */
export interface Holder {
  readonly instance: ReplayInstance;
  readonly nodeId: string;
  readonly held: Amounts;
  /** When it (re)started. */
  readonly sinceMs: number;
}

/** Who holds what on which node, for policies that know allocations alone. */
export class ClusterBook {
  readonly #capacity = new Map<string, Amounts>();
  readonly #held = new Map<string, Map<string, Holder>>();
  readonly #nodeOf = new Map<string, string>();

  /** At the start everybody holds its allocation. */
  constructor(scenario: Scenario) {
    for (const { nodeId, capacity } of scenario.nodes) {
      this.#capacity.set(nodeId, capacity);
      this.#held.set(nodeId, new Map());
    }
    for (const instance of scenario.instances) {
      const { nodeId, allocation } = instance;
      this.put({ instance, nodeId, held: allocation, sinceMs: scenario.warmUpFromMs });
    }
  }

  get nodeIds(): readonly string[] {
    return [...this.#capacity.keys()];
  }

  put(holder: Holder): void {
    const { instanceId } = holder.instance;
    this.remove(instanceId);
    this.#held.get(holder.nodeId)?.set(instanceId, holder);
    this.#nodeOf.set(instanceId, holder.nodeId);
  }

  /** False when it holds nothing. */
  remove(instanceId: string): boolean {
    const nodeId = this.#nodeOf.get(instanceId);
    if (nodeId === undefined) return false;
    this.#nodeOf.delete(instanceId);
    return this.#held.get(nodeId)?.delete(instanceId) === true;
  }

  get(instanceId: string): Holder | undefined {
    return this.#held.get(this.#nodeOf.get(instanceId) ?? "")?.get(instanceId);
  }

  holdersOn(nodeIds: readonly string[]): Holder[] {
    return nodeIds.flatMap((nodeId) => [...(this.#held.get(nodeId)?.values() ?? [])]);
  }

  rooms(nodeIds: readonly string[]): NodeRoom[] {
    return nodeIds.map((nodeId) => {
      const capacity = this.#capacity.get(nodeId) ?? zeros();
      const room = [...capacity];
      for (const { held } of this.#held.get(nodeId)?.values() ?? []) {
        for (let resource = 0; resource < RESOURCE_COUNT; resource++) {
          room[resource] = (room[resource] ?? 0) - (held[resource] ?? 0);
        }
      }
      return { nodeId, room, capacity };
    });
  }

  /** Room of the nodes together. */
  roomOf(nodeIds: readonly string[]): Amounts {
    return this.rooms(nodeIds).reduce((sum, { room }) => addAmounts(sum, room), zeros());
  }

  resize(nodeId: string, amounts: Amounts, sign: number): void {
    this.#capacity.set(nodeId, addAmounts(this.#capacity.get(nodeId) ?? zeros(), amounts, sign));
  }
}

export function zeros(): number[] {
  return new Array<number>(RESOURCE_COUNT).fill(0);
}
