/**
 * How much room a pool should have ready: the quantile of the sum of its interruptible members'
 * restart needs, plus what the node's measured usage exceeds its allocations by, for that room is
 * not there. A target grows at once and shrinks slowly, so that a short lull does not give away
 * what the next hour needs.
 */
import { envelopeRow, NEED_COLUMNS, PHASE_COUNT, RESOURCE_COUNT } from "../core/abi.js";
import { ArenaPlan } from "../core/arena.js";
import { callKernel, type Kernel, openKernel } from "../core/kernel.js";
import { withLastResort } from "../profiler/last-resort.js";
import type { ProfileReader } from "../profiler/profile.js";
import { roundDown, roundUp } from "./amounts.js";
import type { Book, NodeState } from "./book.js";
import type { DonorWatch } from "./donor-watch.js";
import type { LoadReader } from "./load.js";
import { POOL_RHO, POOL_SHRINK_RATIO_PER_MINUTE, POOL_Z } from "./policy.js";
import { bandWindows, peaksOver } from "./timeline.js";

const MINUTE_MS = 60_000;
const MEMBERS_MIN = 64;

/** Median and .9 quantile of each column. */
interface MemberNeed {
  readonly median: Float32Array;
  readonly upper: Float32Array;
}

export interface TargetPorts {
  readonly book: Book;
  readonly profiles: ProfileReader;
  readonly load: LoadReader;
  readonly isInterruptible: (instanceId: string) => boolean;
  readonly module: WebAssembly.Module;
  readonly watch: DonorWatch;
  /** How old targets may get before a tick reads everybody's needs anew; ms. */
  readonly everyMs: number;
}

export class Targets {
  readonly #ports: TargetPorts;
  #sums: QuantileSums;
  #targets = new Map<string, readonly number[]>();
  #tickMs = Number.NaN;

  constructor(ports: TargetPorts) {
    this.#ports = ports;
    this.#sums = new QuantileSums(ports.module, MEMBERS_MIN);
  }

  /** Resource x phase; zeros before the first tick. */
  of(kind: string, id: string): readonly number[] {
    return this.#targets.get(`${kind}/${id}`) ?? new Array<number>(NEED_COLUMNS).fill(0);
  }

  tick(nowMs: number): void {
    const { book, everyMs } = this.#ports;
    if (nowMs < this.#tickMs + everyMs) return;
    const needs = this.#readNeeds();
    const before = this.#targets;
    const targets = new Map<string, readonly number[]>();
    const minutes = Number.isNaN(this.#tickMs) ? 0 : (nowMs - this.#tickMs) / MINUTE_MS;
    const keep = Math.max(0, 1 - POOL_SHRINK_RATIO_PER_MINUTE * minutes);
    const settle = (key: string, want: readonly number[]): void => {
      const old = before.get(key);
      const next = want.map((value, column) =>
        Math.max(roundUp(value), roundDown((old?.[column] ?? 0) * keep)),
      );
      targets.set(key, next);
    };
    const totalExcess = new Array<number>(NEED_COLUMNS).fill(0);
    for (const node of book.nodes.values()) {
      const excess = this.#excess(node, nowMs);
      for (let c = 0; c < NEED_COLUMNS; c++)
        totalExcess[c] = (totalExcess[c] ?? 0) + (excess[c] ?? 0);
      const want = this.#sum([...node.members, ...claimants(book, node.leaseIds)], needs);
      settle(`node/${node.nodeId}`, add(want, excess));
    }
    for (const group of book.groups.values()) {
      const members = [...group.members, ...claimants(book, group.leaseIds)];
      settle(`group/${group.groupId}`, this.#sum(members, needs));
    }
    settle("total/total", add(this.#sum([...needs.keys()], needs), totalExcess));
    // Only now: a tick that throws leaves the targets of the one before.
    this.#targets = targets;
    this.#tickMs = nowMs;
    this.#ports.watch.endTick(nowMs);
  }

  #readNeeds(): Map<string, MemberNeed> {
    const { book, profiles, isInterruptible, watch } = this.#ports;
    const needs = new Map<string, MemberNeed>();
    for (const id of [...book.allocations.keys(), ...book.claimedByInstance.keys()]) {
      if (!profiles.has(id)) continue;
      const held = book.allocations.get(id)?.allocated;
      const profile = withLastResort(profiles.profile(id), held);
      if (held !== undefined) watch.look(id, held, profile);
      if (!isInterruptible(id)) continue;
      const { envelope } = profile;
      const median = new Float32Array(NEED_COLUMNS);
      const upper = new Float32Array(NEED_COLUMNS);
      for (let column = 0; column < NEED_COLUMNS; column++) {
        const r = Math.floor(column / PHASE_COUNT);
        const phase = column % PHASE_COUNT;
        median[column] = envelope[envelopeRow(r, phase, 0)] ?? 0;
        upper[column] = envelope[envelopeRow(r, phase, 1)] ?? 0;
      }
      needs.set(id, { median, upper });
    }
    return needs;
  }

  /** Usage above what is allocated or claimed, resource x phase. */
  #excess(node: NodeState, nowMs: number): number[] {
    const usage = this.#ports.load.nodeUsage(node.nodeId);
    if (usage === undefined) return new Array<number>(NEED_COLUMNS).fill(0);
    const leased = peaksOver(this.#ports.book.stepsOf(node), bandWindows(nowMs));
    return leased.map((lease, column) => {
      const r = Math.floor(column / PHASE_COUNT);
      const used = usage[r] ?? 0;
      return Number.isNaN(used) ? 0 : Math.max(0, used - (node.allocated[r] ?? 0) - lease);
    });
  }

  #sum(ids: readonly string[], needs: ReadonlyMap<string, MemberNeed>): number[] {
    const members = ids.flatMap((id) => needs.get(id) ?? []);
    if (members.length > this.#sums.capacity) {
      this.#sums = new QuantileSums(this.#ports.module, 2 * members.length);
    }
    return this.#sums.quantileOfSum(members);
  }
}

function claimants(book: Book, leaseIds: ReadonlySet<string>): string[] {
  return [...leaseIds].flatMap((id) => {
    const lease = book.leases.get(id);
    return lease?.state === "claimed" ? [lease.instanceId] : [];
  });
}

function add(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value + (b[index] ?? 0));
}

/** The core's `aggregateQuantile` over a memory of its own. */
class QuantileSums {
  readonly capacity: number;
  readonly #kernel: Kernel;
  readonly #floats: Float32Array;
  readonly #doubles: Float64Array;
  readonly #medianPtr: number;
  readonly #upperPtr: number;
  readonly #rhoPtr: number;
  readonly #outPtr: number;

  constructor(module: WebAssembly.Module, capacity: number) {
    this.capacity = Math.ceil(capacity / 4) * 4;
    const probe = openKernel(module, new WebAssembly.Memory({ initial: 1, maximum: 1 }));
    const plan = new ArenaPlan(probe.arenaBase());
    this.#medianPtr = plan.region("median", NEED_COLUMNS * this.capacity * 4).ptr;
    this.#upperPtr = plan.region("upper", NEED_COLUMNS * this.capacity * 4).ptr;
    this.#rhoPtr = plan.region("rho", NEED_COLUMNS * 4).ptr;
    this.#outPtr = plan.region("out", NEED_COLUMNS * 8).ptr;
    const memory = plan.createMemory(false);
    this.#kernel = openKernel(module, memory);
    this.#floats = new Float32Array(memory.buffer);
    this.#doubles = new Float64Array(memory.buffer);
    for (let column = 0; column < NEED_COLUMNS; column++) {
      const r = Math.floor((column * RESOURCE_COUNT) / NEED_COLUMNS);
      this.#floats[this.#rhoPtr / 4 + column] = POOL_RHO[r] ?? 0;
    }
  }

  quantileOfSum(members: readonly MemberNeed[]): number[] {
    members.forEach(({ median, upper }, member) => {
      for (let column = 0; column < NEED_COLUMNS; column++) {
        const place = column * this.capacity + member;
        this.#floats[this.#medianPtr / 4 + place] = median[column] ?? 0;
        this.#floats[this.#upperPtr / 4 + place] = upper[column] ?? 0;
      }
    });
    callKernel("aggregateQuantile", () => {
      this.#kernel.aggregateQuantile(
        this.#medianPtr,
        this.#upperPtr,
        this.capacity * 4,
        members.length,
        NEED_COLUMNS,
        this.#rhoPtr,
        POOL_Z,
        this.#outPtr,
      );
    });
    return [...this.#doubles.subarray(this.#outPtr / 8, this.#outPtr / 8 + NEED_COLUMNS)];
  }
}
