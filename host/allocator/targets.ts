/**
 * How much room a pool should have ready: the quantile of the sum of its interruptible members'
 * restart needs, plus what the node's measured usage exceeds its allocations by, for that room is
 * not there. A target grows at once and shrinks slowly, so that a short lull does not give away
 * what the next hour needs.
 *
 * Everybody's needs are read in one pass over the nodes, then the groups. A pass may be spread over
 * many ticks, so that none of them waits for all; its targets hold from its end on.
 */
import { NEED_COLUMNS, PHASE_COUNT } from "../core/abi.js";
import { withLastResort } from "../profiler/last-resort.js";
import type { ProfileReader } from "../profiler/profile.js";
import { roundDown, roundUp } from "./amounts.js";
import type { Book, NodeState } from "./book.js";
import type { DonorWatch } from "./donor-watch.js";
import type { LoadReader } from "./load.js";
import { POOL_SHRINK_RATIO_PER_MINUTE } from "./policy.js";
import { type MemberNeed, newMemberNeed, QuantileSums, readMemberNeed } from "./quantile-sums.js";
import { bandWindows, peaksOver } from "./timeline.js";
import type { PoolView } from "./types.js";

const MINUTE_MS = 60_000;

export interface TargetPorts {
  readonly book: Book;
  readonly profiles: ProfileReader;
  readonly load: LoadReader;
  readonly isInterruptible: (instanceId: string) => boolean;
  readonly module: WebAssembly.Module;
  readonly watch: DonorWatch;
  /** Over how much time a pass is spread; ms. 0: each tick is a whole pass. */
  readonly everyMs: number;
}

/** Resource x phase. */
type Target = readonly number[];

interface TargetSet {
  readonly node: Map<string, Target>;
  readonly group: Map<string, Target>;
  total: Target;
}

/** One reading of everybody's needs. */
interface Pass {
  readonly startedMs: number;
  readonly nodeIds: readonly string[];
  readonly groupIds: readonly string[];
  /** Nodes, then groups, that are done. */
  done: number;
  /** What is left of a target of the pass before. */
  readonly keep: number;
  readonly needs: Map<string, MemberNeed>;
  readonly targets: TargetSet;
  /** Of all nodes, resource x phase. */
  readonly excess: number[];
}

export class Targets {
  readonly #ports: TargetPorts;
  readonly #sums: QuantileSums;
  readonly #totalSums: QuantileSums;
  #targets = noTargets();
  #needs = new Map<string, MemberNeed>();
  /** Start of the last pass that ended. */
  #passMs = Number.NaN;
  #pass: Pass | undefined;

  constructor(ports: TargetPorts) {
    this.#ports = ports;
    this.#sums = new QuantileSums(ports.module);
    this.#totalSums = new QuantileSums(ports.module);
  }

  /** Resource x phase; zeros before the first tick. */
  of(kind: PoolView["kind"], id: string): Target {
    const { node, group, total } = this.#targets;
    if (kind === "total") return total;
    return (kind === "node" ? node : group).get(id) ?? NO_TARGET;
  }

  tick(nowMs: number): void {
    const pass = this.#pass ?? this.#begin(nowMs);
    // Kept only when all went well: a tick that throws leaves the targets of the pass before.
    this.#pass = undefined;
    const count = pass.nodeIds.length + pass.groupIds.length;
    const due = Math.floor(count * this.#shareDue(pass, nowMs));
    for (; pass.done < due; pass.done++) {
      if (pass.done < pass.nodeIds.length) this.#node(pass, nowMs);
      else this.#group(pass);
    }
    if (pass.done < count) this.#pass = pass;
    else this.#end(pass, nowMs);
  }

  /** The first pass is not spread: until it ends there are no targets at all. */
  #shareDue({ startedMs }: Pass, nowMs: number): number {
    const { everyMs } = this.#ports;
    if (everyMs === 0 || Number.isNaN(this.#passMs)) return 1;
    return Math.min(1, Math.max(0, nowMs - startedMs) / everyMs);
  }

  #begin(nowMs: number): Pass {
    const { nodes, groups } = this.#ports.book;
    this.#totalSums.clear();
    const minutes = Number.isNaN(this.#passMs) ? 0 : (nowMs - this.#passMs) / MINUTE_MS;
    return {
      startedMs: nowMs,
      nodeIds: [...nodes.keys()],
      groupIds: [...groups.keys()],
      done: 0,
      keep: Math.max(0, 1 - POOL_SHRINK_RATIO_PER_MINUTE * minutes),
      needs: new Map(),
      targets: noTargets(),
      excess: new Array<number>(NEED_COLUMNS).fill(0),
    };
  }

  #node(pass: Pass, nowMs: number): void {
    const nodeId = pass.nodeIds[pass.done] ?? "";
    const node = this.#ports.book.nodes.get(nodeId);
    // Gone since the pass began.
    if (node === undefined) return;
    this.#sums.clear();
    for (const id of node.members) this.#member(pass, id);
    for (const id of this.#claimants(node.leaseIds)) this.#member(pass, id);
    const excess = this.#excess(node, nowMs);
    addTo(pass.excess, excess);
    const want = add(this.#sums.quantile(), excess);
    pass.targets.node.set(nodeId, settled(want, this.#targets.node.get(nodeId), pass.keep));
  }

  #group(pass: Pass): void {
    const groupId = pass.groupIds[pass.done - pass.nodeIds.length] ?? "";
    const group = this.#ports.book.groups.get(groupId);
    if (group === undefined) return;
    this.#sums.clear();
    for (const id of group.members) this.#addKnown(pass, id);
    for (const id of this.#claimants(group.leaseIds)) this.#addKnown(pass, id);
    const before = this.#targets.group.get(groupId);
    pass.targets.group.set(groupId, settled(this.#sums.quantile(), before, pass.keep));
  }

  #end(pass: Pass, nowMs: number): void {
    const { targets, keep, excess } = pass;
    const want = add(this.#totalSums.quantile(), excess);
    targets.total = settled(want, this.#targets.total, keep);
    this.#targets = targets;
    this.#needs = pass.needs;
    this.#passMs = pass.startedMs;
    this.#ports.watch.endTick(nowMs);
  }

  /** Reads what the instance may need, and adds it to the sums of its node and of all. */
  #member(pass: Pass, id: string): void {
    const { book, profiles, isInterruptible, watch } = this.#ports;
    const known = pass.needs.get(id);
    if (known !== undefined) {
      // It has come from a node that was read before.
      this.#sums.add(known);
      return;
    }
    if (!profiles.has(id)) return;
    const held = book.allocations.get(id)?.allocated;
    const profile = withLastResort(profiles.profile(id), held);
    if (held !== undefined) watch.look(id, held, profile);
    if (!isInterruptible(id)) return;
    const need = this.#needs.get(id) ?? newMemberNeed();
    readMemberNeed(need, profile.envelope);
    pass.needs.set(id, need);
    this.#sums.add(need);
    this.#totalSums.add(need);
  }

  #addKnown({ needs }: Pass, id: string): void {
    const need = needs.get(id);
    if (need !== undefined) this.#sums.add(need);
  }

  #claimants(leaseIds: ReadonlySet<string>): string[] {
    if (leaseIds.size === 0) return [];
    return [...leaseIds].flatMap((id) => {
      const lease = this.#ports.book.leases.get(id);
      return lease?.state === "claimed" ? [lease.instanceId] : [];
    });
  }

  /** Usage above what is allocated or claimed, resource x phase. */
  #excess(node: NodeState, nowMs: number): readonly number[] {
    const usage = this.#ports.load.nodeUsage(node.nodeId);
    if (usage === undefined) return NO_TARGET;
    const leased = peaksOver(this.#ports.book.stepsOf(node), bandWindows(nowMs));
    return leased.map((lease, column) => {
      const r = Math.floor(column / PHASE_COUNT);
      const used = usage[r] ?? 0;
      return Number.isNaN(used) ? 0 : Math.max(0, used - (node.allocated[r] ?? 0) - lease);
    });
  }
}

const NO_TARGET: Target = new Array<number>(NEED_COLUMNS).fill(0);

function noTargets(): TargetSet {
  return { node: new Map(), group: new Map(), total: NO_TARGET };
}

/** What is wanted, or what is left of the target before, whichever is more. */
function settled(want: Target, before: Target | undefined, keep: number): Target {
  return want.map((value, column) =>
    Math.max(roundUp(value), roundDown((before?.[column] ?? 0) * keep)),
  );
}

function add(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value + (b[index] ?? 0));
}

function addTo(sum: number[], amounts: readonly number[]): void {
  for (let column = 0; column < NEED_COLUMNS; column++) {
    sum[column] = (sum[column] ?? 0) + (amounts[column] ?? 0);
  }
}
