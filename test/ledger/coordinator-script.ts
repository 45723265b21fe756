/** What the process of the coordinator crash test does, as a function of the step and the books. */
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import { Coordinator } from "../../host/coordinator/coordinator.js";
import type { CoordinatorRequest } from "../../host/coordinator/types.js";
import { DryRunEngine } from "../../host/engines/dry-run.js";
import { StaticPriorities } from "../../host/engines/static-priorities.js";
import type { Ledger, LedgerChange } from "../../host/ledger/ledger.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { Prng } from "../../host/lib/prng.js";
import type { InstanceRegistration } from "../../host/sources/sample.js";
import { FakeProfiles } from "../allocator/fakes.js";

const START = 1_700_000_000_000;
const STEP_MS = 120_000;
const HOUR_MS = 3_600_000;
const NODES = ["n0", "n1", "n2"];
const IDS = Array.from({ length: 9 }, (_, index) => `i${index}`);

/** Numbers each commit, in the commit itself; `onCommit` sees the number when it is durable. */
export class NumberedLedger implements Ledger {
  readonly #inner: Ledger;
  readonly #onCommit: (number: number) => void;
  /** A commit after this one never happens, as after a kill. */
  lastNumber = Number.POSITIVE_INFINITY;

  constructor(inner: Ledger, onCommit: (number: number) => void = () => undefined) {
    this.#inner = inner;
    this.#onCommit = onCommit;
  }

  commit(changes: readonly LedgerChange[]): void {
    const next = commitNumberOf(this.#inner) + 1;
    if (next > this.lastNumber) throw new Killed();
    this.#inner.commit([...changes, { table: "meta", key: "commitNumber", put: next }]);
    this.#onCommit(next);
  }

  get: Ledger["get"] = (table, key) => this.#inner.get(table, key);
  entries: Ledger["entries"] = (table, range) => this.#inner.entries(table, range);
  count: Ledger["count"] = (table) => this.#inner.count(table);
  close: Ledger["close"] = () => this.#inner.close();
}

export class Killed extends Error {}

export function commitNumberOf(ledger: Ledger): number {
  return Number(ledger.get("meta", "commitNumber") ?? 0);
}

function stepOf(ledger: Ledger): number {
  return Number(ledger.get("meta", "step") ?? 0);
}

/** A process: it takes up what the ledger has, then goes on with the steps. */
export class Process {
  readonly allocator: PredictiveAllocator;
  readonly #coordinator: Coordinator;
  readonly #ledger: Ledger;
  readonly #clock: VirtualClock;
  readonly #seed: number;
  #step: number;

  private constructor(ledger: Ledger, seed: number) {
    this.#ledger = ledger;
    this.#seed = seed;
    this.#step = stepOf(ledger);
    this.#clock = new VirtualClock(START + this.#step * STEP_MS);
    const profiles = new FakeProfiles();
    for (const id of IDS) profiles.set(id, { need: [5, 5, 1, 1], keep: [2, 2, 0, 0] });
    const ports = { profiles, ledger, clock: this.#clock };
    this.allocator = new PredictiveAllocator({ ...ports, debug: true, shrinkAfterTicks: 0 });
    this.#coordinator = new Coordinator({
      ...ports,
      allocator: this.allocator,
      engine: new DryRunEngine(),
      priorities: new StaticPriorities(IDS.map((id) => [id, 0] as const)),
      modelVersion: () => "test@1",
      policy: { minRunMinutes: 1, coolDownMinutes: 1 },
    });
  }

  static async open(ledger: Ledger, seed: number): Promise<Process> {
    const process = new Process(ledger, seed);
    process.allocator.restore();
    for (const id of IDS) process.#register(id);
    await process.#coordinator.recover();
    return process;
  }

  async step(): Promise<void> {
    this.#step += 1;
    const prng = new Prng(this.#seed * 1_000_003 + this.#step);
    this.#ledger.commit([{ table: "meta", key: "step", put: this.#step }]);
    this.#clock.advanceTo(START + this.#step * STEP_MS);
    this.#keepNodes();
    const count = 1 + prng.below(3);
    for (let index = 0; index < count; index++) {
      await tolerant(() => this.#one(prng, `r${this.#step}-${index}`));
    }
    const { invariantFailures } = await this.#coordinator.tick();
    if (invariantFailures.length > 0) throw new Error(invariantFailures.join());
  }

  /** Ticks with nothing new until nothing is under way. */
  async settle(): Promise<number> {
    let open = 1;
    for (let tick = 0; tick < 5 && open > 0; tick++) {
      this.#clock.advanceTo(this.#clock.nowMs() + 1);
      open = (await this.#coordinator.tick()).openActCount;
    }
    return open;
  }

  /** Nodes that a kill at the first step left out are added, and their tenants. */
  #keepNodes(): void {
    const known = new Set(this.allocator.nodeIds());
    for (const nodeId of NODES) {
      if (known.has(nodeId)) continue;
      this.allocator.transact(() => {
        this.allocator.addNode({ nodeId, allocatable: [16, 16, 50, 50] });
        for (const id of IDS) {
          if (homeOf(id) === nodeId) this.allocator.allocate(id, "g", nodeId, [4, 4, 1, 1]);
        }
      });
    }
  }

  async #one(prng: Prng, requestId: string): Promise<void> {
    const instanceId = IDS[prng.below(IDS.length)] ?? "i0";
    const nodeId = NODES[prng.below(NODES.length)] ?? "n0";
    const nowMs = this.#clock.nowMs();
    const down = IDS.filter((id) => this.allocator.allocationOf(id) === undefined);
    const draw = prng.below(12);
    if (draw < 4) {
      this.#submit({ kind: "interrupt", requestId, receivedMs: nowMs, instanceId });
    } else if (draw < 6) {
      const purpose = prng.below(2) === 0 ? "requester" : "capacity-loss";
      const amounts = [1 + prng.below(4), 1, 0, 0];
      const deadlineMs = nowMs + prng.below(20) * 60_000;
      const rest = { nodeIds: [nodeId], amounts, deadlineMs, priorityMax: 1, purpose } as const;
      this.#submit({ kind: "reclaim", requestId, receivedMs: nowMs, ...rest });
    } else if (draw < 9) {
      const back = down[prng.below(Math.max(1, down.length))];
      if (back !== undefined) await this.#coordinator.restarted(back, nowMs);
    } else if (draw < 10) {
      await this.#coordinator.stopped(instanceId, nowMs);
    } else if (draw < 11) {
      await this.#coordinator.withdraw(`r${this.#step - 1 - prng.below(4)}-0`);
    } else {
      this.#coordinator.unregister(instanceId);
      await this.#coordinator.tick();
      this.#register(instanceId);
    }
  }

  #submit(request: CoordinatorRequest): void {
    this.#coordinator.submit({ ...request, outageMinutes: 5 });
  }

  #register(instanceId: string): void {
    const at = this.allocator.allocationOf(instanceId);
    const nodeId = at?.nodeId ?? homeOf(instanceId);
    const identity = { instanceId, groupId: "g", nodeId, priority: 0, interruptible: true };
    this.#coordinator.register(identity satisfies InstanceRegistration, START - HOUR_MS);
  }
}

function homeOf(instanceId: string): string {
  return NODES[IDS.indexOf(instanceId) % NODES.length] ?? "n0";
}

/** Nobody known by that name, no room, a wrong moment: then this change is none. */
async function tolerant(change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    const codes = ["ERR_NO_ROOM", "ERR_UNKNOWN_ID", "ERR_STATE"];
    if (!isRepriseError(error) || !codes.includes(error.code)) throw error;
  }
}
