/** Who the instances are and how they have lived, as the coordinator has been told. */

import type { IncarnationRecord } from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { checkRegistration } from "../profiler/registration.js";
import type { InstanceRegistration } from "../sources/sample.js";
import { checkTime } from "./requests.js";

/** Interruptions remembered of one instance; older ones no longer weigh. */
const INTERRUPTIONS_KEPT = 32;

export interface KnownInstance {
  readonly registration: InstanceRegistration;
  readonly ownerId: string;
  /** Where it is now, or was last. */
  readonly nodeId: string;
  readonly life: IncarnationRecord;
}

export class InstanceRegistry {
  readonly #known = new Map<string, KnownInstance>();
  readonly #onNode = new Map<string, Set<string>>();

  /** New, or the same instance with another identity; its life goes on. @throws ERR_ARGUMENT,
   * ERR_LIMIT; then nothing was changed */
  register(registration: InstanceRegistration, launchedMs: number): void {
    checkRegistration(registration);
    checkTime(launchedMs, "launchedMs");
    const { instanceId, nodeId } = registration;
    const before = this.#known.get(instanceId);
    if (before === undefined && this.#known.size >= LIMITS.instancesMax) {
      throw new RepriseError("ERR_LIMIT", "instances", {
        got: this.#known.size + 1,
        expected: `at most ${LIMITS.instancesMax}`,
      });
    }
    const life = before?.life ?? {
      instanceId,
      incarnation: 1,
      launchedMs,
      interruptionsMs: [],
    };
    const ownerId = registration.ownerId ?? instanceId;
    this.#put({ registration: { ...registration }, ownerId, nodeId, life });
  }

  unregister(instanceId: string): void {
    const known = this.#known.get(instanceId);
    if (known === undefined) return;
    this.#known.delete(instanceId);
    this.#onNode.get(known.nodeId)?.delete(instanceId);
  }

  get(instanceId: string): KnownInstance | undefined {
    return this.#known.get(instanceId);
  }

  /** @throws ERR_UNKNOWN_ID */
  require(instanceId: string): KnownInstance {
    const known = this.#known.get(instanceId);
    if (known !== undefined) return known;
    throw new RepriseError("ERR_UNKNOWN_ID", "no such instance", {
      field: "instanceId",
      got: instanceId,
    });
  }

  /** Those on the nodes, in the order of their ids. */
  onNodes(nodeIds: readonly string[]): KnownInstance[] {
    const ids = nodeIds.flatMap((nodeId) => [...(this.#onNode.get(nodeId) ?? [])]);
    return [...new Set(ids)].sort().map((instanceId) => this.require(instanceId));
  }

  /** Replaces its life or place. */
  update(instanceId: string, change: Partial<Pick<KnownInstance, "life" | "nodeId">>): void {
    this.#put({ ...this.require(instanceId), ...change });
  }

  #put(known: KnownInstance): void {
    const { instanceId } = known.registration;
    const before = this.#known.get(instanceId);
    if (before !== undefined) this.#onNode.get(before.nodeId)?.delete(instanceId);
    this.#known.set(instanceId, known);
    const here = this.#onNode.get(known.nodeId) ?? new Set<string>();
    here.add(instanceId);
    this.#onNode.set(known.nodeId, here);
  }
}

export function interruptedAt(life: IncarnationRecord, timeMs: number): IncarnationRecord {
  const interruptionsMs = [...life.interruptionsMs, timeMs].slice(-INTERRUPTIONS_KEPT);
  return { ...life, interruptionsMs, downSinceMs: timeMs };
}

/** Interrupted a moment ago, and already seen to be back. */
export function interruptedBefore(life: IncarnationRecord, timeMs: number): IncarnationRecord {
  const { downSinceMs: _, ...rest } = interruptedAt(life, timeMs);
  return rest;
}

export function restartedAt(life: IncarnationRecord, timeMs: number): IncarnationRecord {
  const { downSinceMs: _, ...rest } = life;
  return { ...rest, incarnation: life.incarnation + 1, launchedMs: timeMs };
}
