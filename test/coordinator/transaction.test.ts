/**
 * The transaction of a plan, step by step: a process dies at each single call to its ledger and to
 * its engine, before it and after it, and another one takes over. However it was, the books hold,
 * nothing leaks, and no machine is told the same thing twice. Then the engine's own faults.
 */
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Act, ActOutcome, Engine } from "../../host/engines/engine.js";
import type { Ledger, LedgerChange } from "../../host/ledger/ledger.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { NOW, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("transaction of a plan");
const MODES = ["pooled", "sum"] as const;
type Mode = (typeof MODES)[number];
const VICTIMS = ["v", "w"];
const REQUEST = reclaim(11, ["a"], { requestId: "q", purpose: "requester", requesterId: "new" });

/** Lets a number of calls through; the next one and all after it fail, as of a dead process. */
class Fuse {
  calls = 0;
  readonly #last: number;
  readonly #afterwards: boolean;

  constructor(last = Number.POSITIVE_INFINITY, afterwards = false) {
    this.#last = last;
    this.#afterwards = afterwards;
  }

  /** Whether the call has its effect. @throws at the fatal call when that comes before the effect */
  burn(): void {
    this.calls += 1;
    const isFatal = this.calls === this.#last;
    if (this.calls > this.#last || (isFatal && !this.#afterwards)) throw new Dead();
  }

  /** @throws when the fatal call has had its effect and its answer is lost */
  answer(): void {
    if (this.calls >= this.#last) throw new Dead();
  }
}

class Dead extends Error {}

class FusedLedger implements Ledger {
  readonly #inner: Ledger;
  readonly #fuse: Fuse;

  constructor(inner: Ledger, fuse: Fuse) {
    this.#inner = inner;
    this.#fuse = fuse;
  }

  commit(changes: readonly LedgerChange[]): void {
    this.#fuse.burn();
    this.#inner.commit(changes);
    this.#fuse.answer();
  }

  get: Ledger["get"] = (table, key) => this.#inner.get(table, key);
  entries: Ledger["entries"] = (table, range) => this.#inner.entries(table, range);
  count: Ledger["count"] = (table) => this.#inner.count(table);
  close: Ledger["close"] = () => this.#inner.close();
}

type Fault = "refuse" | "silent" | "throw" | "lost" | "none";

/** The machines: they outlive every process, and complain of what makes no sense to them. */
class Machines implements Engine {
  readonly name = "machines";
  readonly down = new Set<string>();
  readonly done = new Map<string, Act>();
  readonly faults: string[] = [];
  readonly #tokens = new Map<string, number>();
  /** What happens to the next call. */
  fault: Fault = "none";

  async act(acts: readonly Act[]): Promise<readonly ActOutcome[]> {
    const fault = this.fault;
    if (fault === "throw") throw new Error("the engine is away");
    if (fault === "silent") return [];
    if (fault === "refuse") {
      // What it has done already it says so of: an engine answers the same act the same.
      return acts.map((act) =>
        this.done.has(act.actId)
          ? this.#one(act)
          : { actId: act.actId, status: "refused", reason: "no" },
      );
    }
    const outcomes = acts.map((act) => this.#one(act));
    if (fault === "lost") throw new Error("the answer was lost");
    return outcomes;
  }

  async close(): Promise<void> {}

  #one(act: Act): ActOutcome {
    const { actId, instanceId, fencingToken } = act;
    const held = act.kind === "shrink" ? { held: act.target } : {};
    if (this.done.has(actId)) return { actId, status: "confirmed", ...held };
    if (fencingToken < (this.#tokens.get(instanceId) ?? 0)) {
      return { actId, status: "refused", reason: "stale", final: true };
    }
    this.#tokens.set(instanceId, fencingToken);
    this.done.set(actId, act);
    if (act.kind === "interrupt") {
      if (this.down.has(instanceId)) this.faults.push(`${actId}: is down already`);
      this.down.add(instanceId);
    }
    return { actId, status: "confirmed", ...held };
  }

  interrupted(instanceId: string): boolean {
    const acts = [...this.done.values()];
    return acts.some((act) => act.kind === "interrupt" && act.instanceId === instanceId);
  }

  /** The last thing that each donor was told to hold, of cpu. */
  targetsOf(donorId: string): number | undefined {
    const told = [...this.done.values()].filter(({ instanceId }) => instanceId === donorId);
    const last = told.at(-1);
    return last?.kind === "shrink" || last?.kind === "give-back" ? last.target[0] : undefined;
  }
}

/** The world that stays while processes come and go. */
class World {
  readonly ledger = new MemoryLedger();
  readonly machines = new Machines();
  readonly clock = new VirtualClock(NOW);
  readonly mode: Mode;
  process: Cluster;
  #asked: Cluster | undefined;

  constructor(mode: Mode) {
    this.mode = mode;
    this.process = this.#cluster(new Fuse());
    this.process.node("a", 16).node("b", 16);
    this.process.allocator.allocate("d", "g", "a", [6, 6, 1, 1]);
    for (const id of VICTIMS) this.process.allocator.allocate(id, "g", "a", [5, 5, 1, 1]);
    this.process.allocator.allocate("x", "g", "b", [4, 4, 1, 1]);
  }

  #cluster(fuse: Fuse): Cluster {
    const { clock, machines, mode } = this;
    const engine: Engine = {
      name: "fused",
      act: async (acts) => {
        fuse.burn();
        const outcomes = await machines.act(acts);
        fuse.answer();
        return outcomes;
      },
      close: () => Promise.resolve(),
    };
    const ledger = new FusedLedger(this.ledger, fuse);
    return new Cluster({ ledger, engine, clock, reserve: mode });
  }

  /** A new process takes over what the ledger has. */
  async open(fuse = new Fuse()): Promise<void> {
    const next = this.#cluster(fuse);
    next.allocator.restore();
    next.know("d", "a", { size: 6, keep: 4 });
    for (const id of VICTIMS) next.know(id, "a", { size: 5 });
    next.know("x", "b", { size: 4, interruptible: false });
    this.process = next;
    await next.coordinator.recover();
  }

  /** Whoever asked asks again until the ledger knows of it. */
  ask(): void {
    const isPending = this.ledger.get("meta", "pending/q") !== undefined;
    const decided = [...this.ledger.entries("decision")].some(([, { requestId, kind }]) => {
      return requestId === "q" && kind !== "defer";
    });
    if (isPending || decided || this.#asked === this.process) return;
    this.process.coordinator.submit(REQUEST);
    this.#asked = this.process;
  }

  async tick(minutes: number): Promise<void> {
    const { invariantFailures } = await this.process.after(minutes);
    assert.equal(invariantFailures, []);
  }

  async restart(): Promise<void> {
    for (const id of [...this.machines.down].sort()) {
      await this.process.coordinator.restarted(id, this.clock.nowMs());
      this.machines.down.delete(id);
    }
  }

  /** Whoever is down will start on the other node, whatever was reserved. */
  moveDown(): void {
    for (const id of this.machines.down) this.process.know(id, "b", { size: 5 });
  }

  /** From the request to the end of all leases; each step may be done again. */
  async play(from: number, onStep: (step: number) => void = () => {}): Promise<void> {
    const steps: (() => Promise<void>)[] = [
      async () => {
        this.ask();
        await this.tick(0);
      },
      async () => this.tick(1),
      async () => this.restart(),
      async () => this.tick(1),
      async () => this.process.coordinator.withdraw("q"),
      async () => this.tick(75),
      async () => this.tick(75),
    ];
    for (let step = from; step < steps.length; step++) {
      onStep(step);
      await steps[step]?.();
    }
  }

  /** Nothing is under way, nothing leaks, nothing was done twice. */
  checkEnd(where: string): void {
    const { allocator } = this.process;
    allocator.checkInvariants();
    assert.equal(this.machines.faults, [], where);
    assert.is(allocator.leakAudit().leaks.length, 0, where);
    for (const { state, ownerId } of allocator.reservations()) {
      assert.not.ok(state === "held" || state === "claimed", `${where}: ${ownerId} is ${state}`);
    }
    for (const [, { state, planId }] of this.ledger.entries("plan")) {
      assert.ok(state === "done" || state === "rolled-back", `${where}: ${planId} is ${state}`);
    }
    for (const [key] of this.ledger.entries("meta", { from: "act/" })) {
      assert.not.ok(key.startsWith("act/"), `${where}: ${key} was never answered`);
    }
    const held = allocator.allocationOf("d")?.amounts[0];
    // Once it refused to shrink it may have become a victim, which restarts with what it needs.
    if (!this.machines.interrupted("d")) {
      assert.is(held, 6, `${where}: the donor has back what it gave`);
    }
    assert.is(this.machines.targetsOf("d") ?? held, held, `${where}: and its machine knows`);
    for (const id of VICTIMS) {
      assert.ok((allocator.allocationOf(id)?.amounts[0] ?? 0) >= 5, `${where}: ${id} is whole`);
    }
  }
}

for (const mode of MODES) {
  test(`${mode}: a process that dies before or after any call is taken over`, async () => {
    const whole = new World(mode);
    const counter = new Fuse();
    await whole.open(counter);
    await whole.play(0);
    whole.checkEnd("nobody died");
    const kinds = new Set([...whole.machines.done.values()].map(({ kind }) => kind));
    assert.equal([...kinds].sort(), ["give-back", "grant", "interrupt", "shrink"]);
    assert.ok(counter.calls >= 10, `${counter.calls} calls`);
    for (let last = 1; last <= counter.calls; last++) {
      for (const afterwards of [false, true]) {
        const where = `${mode}, dead ${afterwards ? "after" : "before"} call ${last}`;
        const world = new World(mode);
        let step = 0;
        try {
          await world.open(new Fuse(last, afterwards));
          await world.play(0, (at) => {
            step = at;
          });
        } catch (error) {
          if (!isDeath(error)) throw error;
        }
        await world.open();
        await world.play(step);
        world.checkEnd(where);
      }
    }
  });
}

/** The engine's errors do not stop a coordinator, so it may live on without its machines. */
function isDeath(error: unknown): boolean {
  if (error instanceof Dead) return true;
  return isRepriseError(error) && error.cause instanceof Dead;
}

const happenings = fc.array(
  fc.record({
    fault: fc.constantFrom<Fault>("none", "none", "refuse", "silent", "throw", "lost"),
    minutes: fc.constantFrom(0, 1, 1, 5, 20, 180),
    what: fc.constantFrom("tick", "tick", "restart", "elsewhere", "ask", "withdraw", "die"),
  }),
  { minLength: 3, maxLength: 14 },
);

for (const mode of MODES) {
  test(`${mode}: an engine that refuses, is late or never answers; jumps of the clock`, async () => {
    await fc.assert(
      fc.asyncProperty(happenings, async (all) => {
        const world = new World(mode);
        await world.open();
        world.ask();
        for (const { fault, minutes, what } of all) {
          world.machines.fault = fault;
          if (what === "ask") world.ask();
          if (what === "withdraw") await world.process.coordinator.withdraw("q");
          if (what === "elsewhere") world.moveDown();
          if (what === "restart" || what === "elsewhere") await world.restart();
          if (what === "die") await world.open();
          await world.tick(minutes);
        }
        world.machines.fault = "none";
        await world.tick(1);
        await world.restart();
        await world.process.coordinator.withdraw("q");
        for (let round = 0; round < 4; round++) {
          await world.tick(75);
          await world.restart();
        }
        await world.tick(75);
        world.checkEnd(JSON.stringify(all));
      }),
      { numRuns: 60 },
    );
  });
}

test.run();
