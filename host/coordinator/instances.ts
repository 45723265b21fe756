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

  get size(): number {
    return this.#known.size;
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
  // An incarnation is interrupted once: the profiler may have seen it go before the answer came.
  const isKnown = (life.interruptionsMs.at(-1) ?? 0) > life.launchedMs;
  return { ...(isKnown ? life : withInterruptions(life, [timeMs])), downSinceMs: timeMs };
}

/** Interrupted a moment ago, and already seen to be back. */
export function interruptedBefore(life: IncarnationRecord, timeMs: number): IncarnationRecord {
  // It ended the incarnation before this one.
  return withInterruptions(life, [Math.min(timeMs, life.launchedMs)]);
}

export function restartedAt(life: IncarnationRecord, timeMs: number): IncarnationRecord {
  const { downSinceMs, ...rest } = life;
  // The profiler has seen this launch already.
  if (downSinceMs === undefined && timeMs <= life.launchedMs) return life;
  return { ...rest, incarnation: life.incarnation + 1, launchedMs: timeMs };
}

/**
 * What the profiler saw of a life, taken into its record: launches and interruptions that nobody
 * told the coordinator of. While a plan has it down, its restart is waited for.
 *
 * @returns the same record when there is nothing new
 */
export function withSeen(life: IncarnationRecord, seen: IncarnationRecord): IncarnationRecord {
  if (life.downSinceMs !== undefined || seen.incarnation < life.incarnation) return life;
  const knownMs = Math.max(life.launchedMs, life.interruptionsMs.at(-1) ?? 0);
  const missed = seen.interruptionsMs.filter((timeMs) => timeMs > knownMs);
  const launched = seen.incarnation > life.incarnation;
  if (missed.length === 0 && !launched) return life;
  const next = withInterruptions(life, missed);
  if (!launched) return next;
  const launchedMs = Math.max(life.launchedMs, seen.launchedMs);
  return { ...next, incarnation: seen.incarnation, launchedMs };
}

function withInterruptions(life: IncarnationRecord, timesMs: readonly number[]): IncarnationRecord {
  const interruptionsMs = [...life.interruptionsMs, ...timesMs].slice(-INTERRUPTIONS_KEPT);
  return { ...life, interruptionsMs };
}
