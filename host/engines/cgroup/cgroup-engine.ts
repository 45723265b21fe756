/**
 * Carries acts out on this machine. An instance is a managed one (`reprise run`), or a cgroup v2
 * group whose path is its id.
 *
 * Goals: a limit counts as set when the kernel reads it back; nobody waits inside `act` for a
 * process to end; tokens survive this process. Non-goals: bounding network and disk, which need
 * devices by name; starting anything, which is `launchManaged`.
 */
import { PHASE_COUNT, RESOURCE_COUNT } from "../../core/abi.js";
import { type Clock, SystemClock } from "../../lib/clock.js";
import { RepriseError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import { KernelFiles } from "../../sources/host/files.js";
import { ManagedRecords } from "../../sources/host/managed.js";
import { findCgroupRoot } from "../../sources/host/mounts.js";
import type { Act, ActOutcome, Engine } from "../engine.js";
import { Controls, type Place } from "./controls.js";
import { FencingTokens } from "./fencing-tokens.js";

export interface CgroupEngineOptions {
  /** Records of managed instances and tokens. */
  readonly folder: string;
  /** Where cgroup v2 is mounted; found when absent. */
  readonly cgroupRoot?: string;
  readonly clock?: Clock;
  /** Between the request to end and the kill; default 10 s, less when a deadline is nearer. */
  readonly graceMs?: number;
}

const GRACE_MS_DEFAULT = 10_000;

export class CgroupEngine implements Engine {
  readonly name = "cgroup";
  readonly #records: ManagedRecords;
  readonly #controls: Controls;
  readonly #tokens: FencingTokens;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #confirmed = new Set<string>();
  /** Interruptions under way, by act: when grace is over. */
  readonly #endings = new Map<string, number>();
  #closed = false;

  constructor(options: CgroupEngineOptions) {
    this.#records = new ManagedRecords(options.folder, new KernelFiles());
    this.#controls = new Controls(options.cgroupRoot ?? findCgroupRoot());
    this.#tokens = new FencingTokens(options.folder);
    this.#clock = options.clock ?? new SystemClock();
    this.#graceMs = options.graceMs ?? GRACE_MS_DEFAULT;
  }

  /** What holds an instance to its limits here, in words for people. */
  describe(instanceId: string): string {
    const place = this.#placeOf(instanceId);
    if (place === undefined) return `${instanceId} is not on this machine`;
    if (place.kind === "tree") {
      return `${instanceId} is a process tree: CPU by nice value, memory is not bounded`;
    }
    const { cpu, memory } = this.#controls.bounded(place);
    const bound = [cpu ? "cpu.max" : "nice value", memory ? "memory.high" : "memory not bounded"];
    return `${instanceId} is the group ${place.path}: ${bound.join(", ")}`;
  }

  /**
   * An interruption is answered once nothing of the instance runs any more; until then it is left
   * unanswered, and the caller sends it again.
   */
  async act(acts: readonly Act[]): Promise<readonly ActOutcome[]> {
    if (this.#closed) throw new RepriseError("ERR_SHUTTING_DOWN", "the engine is closed");
    return acts.flatMap((act) => this.#one(act) ?? []);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #one(act: Act): ActOutcome | undefined {
    const { actId, instanceId, fencingToken } = act;
    if (this.#confirmed.has(actId)) return this.#confirmation(act);
    const token = this.#tokens.get(instanceId);
    if (token !== undefined && fencingToken < token) {
      const reason = `stale fencing token ${fencingToken}: ${instanceId} has seen ${token}`;
      return { actId, status: "refused", reason, final: true };
    }
    const place = this.#placeOf(instanceId);
    if (place === undefined) {
      const reason = `${instanceId} is neither a managed instance nor a group here`;
      return { actId, status: "refused", reason, final: true };
    }
    // Before it acts: a token that is lost with the process would let an older owner in.
    this.#tokens.set(instanceId, fencingToken);
    const reason = this.#carryOut(act, place);
    if (reason === PENDING) return undefined;
    if (reason !== undefined) return { actId, status: "refused", reason };
    this.#remember(actId);
    return this.#confirmation(act, place);
  }

  /** A shrink's answer says what the kernel holds it to now, whoever changed it meanwhile. */
  #confirmation({ actId, kind, instanceId }: Act, place = this.#placeOf(instanceId)): ActOutcome {
    if (kind !== "shrink" || place === undefined) return { actId, status: "confirmed" };
    return { actId, status: "confirmed", held: this.#controls.held(place) };
  }

  /** @returns undefined when it is done, else why not */
  #carryOut(act: Act, place: Place): string | typeof PENDING | undefined {
    switch (act.kind) {
      case "interrupt":
        return this.#interrupt(act, place);
      case "shrink":
        return this.#limit(place, act.target, false);
      case "give-back":
        return this.#limit(place, act.target, true);
      case "grant":
        return this.#grant(act.instanceId, place, act.amounts);
    }
  }

  #limit(place: Place, amounts: readonly number[], raiseToUse: boolean): string | undefined {
    const applied = this.#controls.limit(place, amounts, { raiseToUse });
    return applied.ok ? undefined : applied.reason;
  }

  /** Limits are there before the process is: the group is made for it, or the record tells them. */
  #grant(instanceId: string, place: Place, amounts: readonly number[]): string | undefined {
    const peaks = Array.from({ length: RESOURCE_COUNT }, (_, resource) =>
      Math.max(...amounts.slice(resource * PHASE_COUNT, (resource + 1) * PHASE_COUNT)),
    );
    const record = this.#records.get(instanceId);
    if (record !== undefined) this.#records.put({ ...record, granted: peaks });
    if (place.kind === "group") {
      const reason = this.#controls.ensureGroup(place.path);
      if (reason !== undefined) return `the group cannot be made: ${reason}`;
    }
    return this.#limit(place, peaks, true);
  }

  #interrupt(
    act: Act & { readonly kind: "interrupt" },
    place: Place,
  ): string | typeof PENDING | undefined {
    const nowMs = this.#clock.nowMs();
    const isOver = () => this.#controls.pids(place).length === 0;
    const killMs = this.#endings.get(act.actId);
    if (isOver()) {
      this.#endings.delete(act.actId);
      return undefined;
    }
    if (killMs === undefined) {
      const graceMs = Math.min(this.#graceMs, (act.deadlineMs ?? Number.POSITIVE_INFINITY) - nowMs);
      this.#endings.set(act.actId, nowMs + graceMs);
      this.#controls.signal(place, "SIGTERM");
      return PENDING;
    }
    if (nowMs >= killMs) this.#controls.signal(place, "SIGKILL");
    return PENDING;
  }

  #placeOf(instanceId: string): Place | undefined {
    const record = this.#records.get(instanceId);
    if (record?.cgroup !== undefined) return { kind: "group", path: record.cgroup };
    if (record?.pid !== undefined && record.startTicks !== undefined) {
      return { kind: "tree", pid: record.pid, startTicks: record.startTicks };
    }
    return this.#controls.hasGroup(instanceId) ? { kind: "group", path: instanceId } : undefined;
  }

  #remember(actId: string): void {
    this.#confirmed.add(actId);
    if (this.#confirmed.size <= LIMITS.actsKeptMax) return;
    const oldest = this.#confirmed.keys().next();
    if (oldest.done !== true) this.#confirmed.delete(oldest.value);
  }
}

const PENDING = Symbol("pending");
