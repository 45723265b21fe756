import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import { compileBinary } from "../../host/core/index.js";
import type { ReservationRecord } from "../../host/ledger/records.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { FailingLedger, FakeProfiles } from "./fakes.js";
import { Model, Refusal } from "./model.js";

const test = suite("allocator/model");
const MINUTE = 60_000;
const START = 1_700_000_000_000;
const module = compileBinary("release");

const NODES = ["n0", "n1", "n2"];
const INSTANCES = ["a", "b", "c", "d", "e", "f", "i", "j"];
const GROUPS = ["g", "h"];

const amount = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 24 }).map((quarters) => quarters / 4) },
  { weight: 1, arbitrary: fc.constantFrom(0.1, 0.3, 1e-9, 1 / 1024) },
);
const bad = fc.constantFrom(Number.NaN, -1, Number.POSITIVE_INFINITY, 2 ** 30);
const size = fc.array(
  fc.integer({ min: 8, max: 64 }).map((units) => units / 1.5),
  { minLength: 4, maxLength: 4 },
);
const little = fc.array(fc.constantFrom(0, 0, 0.25, 0.5, 1.1), { minLength: 4, maxLength: 4 });
const four = fc.array(amount, { minLength: 4, maxLength: 4 });
const twelve = fc.array(
  amount.map((value) => value / 2),
  { minLength: 12, maxLength: 12 },
);
const node = fc.constantFrom(...NODES);
const instance = fc.constantFrom(...INSTANCES);
const group = fc.constantFrom(...GROUPS);
const pick = fc.nat(1000);
const rarely = fc.nat(5).map((value) => value === 0);
const minutes = fc.integer({ min: -2, max: 90 });

const lease = fc.record({
  kind: fc.constant("reserve" as const),
  instanceId: instance,
  ownerId: instance.map((id) => `job-${id}`),
  groupId: group,
  nodeId: node,
  amounts: twelve,
  minutes,
  graceMinutes: fc.constantFrom(0, 1, 5, 15, 40),
  freed: fc.option(four, { nil: undefined }),
  donors: fc.array(fc.record({ donor: pick, given: little, floor: little }), {
    maxLength: 2,
  }),
});
const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);
const place = { instanceId: instance, groupId: group, nodeId: node };
const odd = fc.array(bad, { minLength: 4, maxLength: 4 });
const allocation = fc.oneof({ weight: 9, arbitrary: four }, { weight: 1, arbitrary: odd });
const claim = { lease: pick, instanceId: instance, same: fc.nat(3), stale: rarely };
const operation = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: kind("addNode"), nodeId: node, size }) },
  { weight: 2, arbitrary: fc.record({ kind: kind("resizeNode"), nodeId: node, size }) },
  { weight: 1, arbitrary: fc.record({ kind: kind("removeNode"), nodeId: node }) },
  {
    weight: 16,
    arbitrary: fc.record({ kind: kind("allocate"), ...place, amounts: allocation }),
  },
  { weight: 4, arbitrary: fc.record({ kind: kind("release"), instanceId: instance }) },
  { weight: 24, arbitrary: lease },
  { weight: 16, arbitrary: fc.record({ kind: kind("claim"), ...claim }) },
  { weight: 6, arbitrary: fc.record({ kind: kind("renew"), lease: pick, minutes, stale: rarely }) },
  { weight: 3, arbitrary: fc.record({ kind: kind("end"), lease: pick, stale: rarely }) },
  { weight: 10, arbitrary: fc.record({ kind: kind("expire") }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const command = fc.oneof(
  { weight: 12, arbitrary: operation },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("advance" as const),
      seconds: fc.oneof(fc.nat(900), fc.constantFrom(600, 1800, 3600, 5400)),
    }),
  },
  fc.record({ kind: fc.constant("fail" as const), operation }),
  fc.record({
    kind: fc.constant("transact" as const),
    operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
    ending: fc.constantFrom("commit", "throw", "refused"),
  }),
  fc.record({ kind: fc.constant("restore" as const) }),
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

class Bench {
  readonly clock = new VirtualClock(START);
  readonly ledger = new FailingLedger();
  readonly profiles = new FakeProfiles();
  allocator = this.#open();
  model = new Model(START);
  /** Successful operations by kind, so that a test can tell that it tested something. */
  readonly done = new Map<string, number>();

  #open(): PredictiveAllocator {
    const { clock, ledger, profiles } = this;
    return new PredictiveAllocator({
      clock,
      ledger,
      profiles,
      module,
      reserve: "sum",
      debug: true,
      shrinkAfterTicks: 0,
    });
  }

  run(step: Command): void {
    switch (step.kind) {
      case "advance":
        this.clock.advanceTo(this.clock.nowMs() + step.seconds * 1000);
        this.model.now = this.clock.nowMs();
        break;
      case "restore":
        this.allocator = this.#open();
        this.allocator.restore();
        break;
      case "fail":
        this.#fail(step.operation);
        break;
      case "transact":
        this.#transact(step.operations, step.ending);
        break;
      default:
        this.#both(step);
    }
    this.#compare();
  }

  /** Runs an operation on model and allocator; outcomes must be the same. */
  #both(step: Operation): void {
    const next = this.model.copy();
    const call = resolve(this.model, step);
    const want = outcome(() => onModel(next, call));
    const got = outcome(() => onAllocator(this.allocator, call));
    assert.equal(got, want, step.kind);
    if ("value" in want) {
      next.finish();
      this.model = next;
      for (const word of wordsOf(step, want.value)) {
        this.done.set(word, (this.done.get(word) ?? 0) + 1);
      }
    }
  }

  /** The disk is full: whatever it was, nothing happened. */
  #fail(step: Operation): void {
    const call = resolve(this.model, step);
    const want = outcome(() => onModel(this.model.copy(), call));
    this.ledger.failNext = 1;
    const got = outcome(() => onAllocator(this.allocator, call));
    const asked = this.ledger.failNext === 0;
    this.ledger.failNext = 0;
    if (asked) assert.equal(got, { code: "ERR_LEDGER" });
    else assert.equal(got, want, "an operation that writes nothing does not need the disk");
  }

  #transact(steps: readonly Operation[], ending: string): void {
    const before = this.model.copy();
    const { commitCount } = this.ledger;
    this.ledger.failNext = ending === "refused" ? 1 : 0;
    const got = outcome(() =>
      this.allocator.transact(
        () => {
          for (const step of steps) this.#both(step);
          if (ending === "throw") throw new Refusal("ERR_SHUTTING_DOWN");
          return null;
        },
        () => [{ table: "meta", key: "noted", put: commitCount }],
      ),
    );
    this.ledger.failNext = 0;
    if (ending === "commit") {
      assert.equal(got, { value: null });
      assert.is(this.ledger.commitCount, commitCount + 1, "one commit");
      this.model.finish();
      return;
    }
    assert.is(
      "code" in got ? got.code : "",
      ending === "throw" ? "ERR_SHUTTING_DOWN" : "ERR_LEDGER",
    );
    assert.is(this.ledger.commitCount, commitCount, "no commit");
    this.model = before;
  }

  #compare(): void {
    const { allocator, model, ledger } = this;
    allocator.checkInvariants();
    assert.equal(allocator.leakAudit().leaks, []);
    const live = [...model.live.values()].sort((a, b) =>
      a.reservationId < b.reservationId ? -1 : 1,
    );
    assert.equal([...allocator.reservations()], live);
    assert.equal([...allocator.nodeIds()], [...model.nodes.keys()].sort());
    for (const id of INSTANCES) this.#compareInstance(id);
    for (const id of INSTANCES) {
      const of = live.filter((record) => record.ownerId === `job-${id}`);
      const held = of.find((record) => record.state === "held");
      assert.equal(allocator.reservationOfOwner(`job-${id}`), held ?? of[0]);
      assert.ok(of.length <= 2, "one held, one claimed");
    }
    for (const nodeId of model.nodes.keys()) this.#compareNode(nodeId);
    for (const groupId of GROUPS) this.#compareGroup(groupId);
    assert.equal(
      [...ledger.entries("reservation")].map(([, record]) => record),
      [...live, ...model.ended.values()].sort((a, b) =>
        a.reservationId < b.reservationId ? -1 : 1,
      ),
    );
    assert.is(ledger.count("allocation"), model.holdings.size);
    assert.is(ledger.get("meta", "fencingToken") ?? 0, model.token);
  }

  #compareInstance(id: string): void {
    const { allocator, model, ledger } = this;
    const holding = model.holdings.get(id);
    assert.equal(
      ledger.get("allocation", id),
      holding === undefined
        ? undefined
        : { instanceId: id, ...placeOf(holding), allocated: holding.amounts },
    );
    const claimed = model.claimedBy(id);
    const shown = allocator.allocationOf(id);
    if (holding !== undefined) assert.equal(shown, holding);
    else assert.is(shown?.nodeId, claimed?.nodeId);
  }

  #compareNode(nodeId: string): void {
    const { model } = this;
    const view = this.allocator.pool("node", nodeId);
    const size = model.nodes.get(nodeId) ?? [];
    const reserved = model.reserved(model.leasesOf(nodeId));
    const allocated = [0, 1, 2, 3].map((r) => model.allocated(nodeId, r));
    assert.equal(view.allocatable, size);
    assert.equal(view.allocated, allocated);
    assert.equal(view.reserved, reserved);
    const headroom = reserved.map((peak, column) => {
      const r = Math.floor(column / 3);
      return (size[r] ?? 0) - (allocated[r] ?? 0) - peak;
    });
    assert.equal(view.headroom, headroom);
    if (model.overcommitted.has(nodeId)) return;
    assert.ok(
      headroom.every((value) => value >= 0),
      "promised never exceeds the node",
    );
  }

  #compareGroup(groupId: string): void {
    const { model } = this;
    const members = [...model.holdings.values()].filter((holding) => holding.groupId === groupId);
    const leases = [...model.live.values()].filter((record) => record.groupId === groupId);
    if (members.length + leases.length === 0) {
      assert.throws(() => this.allocator.pool("group", groupId));
      return;
    }
    const view = this.allocator.pool("group", groupId);
    const sum = [0, 1, 2, 3].map((r) => members.reduce((s, h) => s + (h.amounts[r] ?? 0), 0));
    assert.equal(view.allocated, sum);
    const nodeIds = new Set(leases.map((record) => record.nodeId));
    const reserved = Array<number>(12).fill(0);
    for (const nodeId of nodeIds) {
      const here = leases.filter((record) => record.nodeId === nodeId);
      model.reserved(here).forEach((value, column) => {
        reserved[column] = (reserved[column] ?? 0) + value;
      });
    }
    assert.equal(view.reserved, reserved);
  }
}

/** What happened, for the count of what was tested. */
function wordsOf(step: Operation, value: unknown): string[] {
  const ended = step.kind === "expire" ? (value as ReservationRecord[]) : [];
  const gave = step.kind === "reserve" && (value as ReservationRecord).shrinks.length > 0;
  return [step.kind, ...ended.map(({ state }) => `swept ${state}`), ...(gave ? ["donated"] : [])];
}

function placeOf({ nodeId, groupId }: { nodeId: string; groupId: string }): object {
  return { nodeId, groupId };
}

type Outcome = { readonly value: unknown } | { readonly code: string };

function outcome(body: () => unknown): Outcome {
  try {
    return { value: body() ?? null };
  } catch (error) {
    if (error instanceof Refusal || isRepriseError(error)) return { code: error.code };
    throw error;
  }
}

/** Any lease there ever was, or none. */
function chosen(model: Model, index: number): ReservationRecord | undefined {
  const live = [...model.live.values()];
  const all = index % 5 === 0 ? [...live, ...model.ended.values()] : live;
  return all[index % Math.max(all.length, 1)];
}

/** An operation with its picks looked up: what both sides are called with. */
type Call =
  | Exclude<Operation, { kind: "reserve" | "claim" | "renew" | "end" }>
  | { readonly kind: "reserve"; readonly request: Parameters<Model["reserve"]>[0] }
  | { readonly kind: "claim"; readonly id: string; token: number; instanceId: string }
  | { readonly kind: "renew"; readonly id: string; token: number; restartMs: number }
  | { readonly kind: "end"; readonly id: string; token: number };

function resolve(model: Model, step: Operation): Call {
  if (step.kind === "reserve") return { kind: "reserve", request: requestOf(model, step) };
  if (!("lease" in step)) return step;
  const target = chosen(model, step.lease);
  const id = target?.reservationId ?? "lease-none";
  const token = (target?.fencingToken ?? 0) - (step.stale ? 1 : 0);
  switch (step.kind) {
    case "claim": {
      const instanceId = step.same > 0 ? target?.instanceId : undefined;
      return { kind: "claim", id, token, instanceId: instanceId ?? step.instanceId };
    }
    case "renew":
      return { kind: "renew", id, token, restartMs: model.now + step.minutes * MINUTE };
    case "end":
      return { kind: "end", id, token };
  }
}

function requestOf(
  model: Model,
  step: Operation & { kind: "reserve" },
): Parameters<Model["reserve"]>[0] {
  const { kind: _, minutes, graceMinutes, freed, donors, ...rest } = step;
  const holders = [...model.holdings].filter(([, holding]) => holding.nodeId === step.nodeId);
  const shrinks = donors.map(({ donor, given, floor }) => {
    const donorId = holders[donor % Math.max(holders.length, 1)]?.[0] ?? step.instanceId;
    return { donorId, nodeId: step.nodeId, given, floor };
  });
  return {
    ...rest,
    expectedRestartMs: model.now + minutes * MINUTE,
    graceMs: graceMinutes * MINUTE,
    ...(freed === undefined ? {} : { freedForOwner: freed.map(Math.floor) }),
    shrinks: shrinks.filter(({ donorId }, index) => {
      return shrinks.findIndex((other) => other.donorId === donorId) === index;
    }),
  };
}

function onModel(model: Model, call: Call): unknown {
  switch (call.kind) {
    case "addNode":
      return model.addNode(call.nodeId, call.size);
    case "resizeNode":
      return model.resizeNode(call.nodeId, call.size);
    case "removeNode":
      return model.removeNode(call.nodeId);
    case "allocate": {
      const { instanceId, nodeId, groupId, amounts } = call;
      return model.allocate(instanceId, { nodeId, groupId }, amounts);
    }
    case "release":
      return model.release(call.instanceId);
    case "reserve":
      return model.reserve(call.request);
    case "claim":
      return model.claim(call.id, call.token, call.instanceId);
    case "renew":
      return model.renew(call.id, call.token, call.restartMs);
    case "end":
      return model.releaseReservation(call.id, call.token);
    case "expire":
      return model.expire();
  }
}

function onAllocator(allocator: PredictiveAllocator, call: Call): unknown {
  switch (call.kind) {
    case "addNode":
      return allocator.addNode({ nodeId: call.nodeId, allocatable: call.size });
    case "resizeNode":
      return allocator.resizeNode(call.nodeId, call.size);
    case "removeNode":
      return allocator.removeNode(call.nodeId);
    case "allocate":
      return allocator.allocate(call.instanceId, call.groupId, call.nodeId, call.amounts);
    case "release":
      return allocator.release(call.instanceId);
    case "reserve":
      return allocator.reserve(call.request);
    case "claim": {
      const { id, token: fencingToken, instanceId } = call;
      return allocator.claim(id, { fencingToken, instanceId }).amounts;
    }
    case "renew":
      return allocator.renew(call.id, call.token, call.restartMs);
    case "end":
      return allocator.releaseReservation(call.id, call.token);
    case "expire":
      return allocator.expire();
  }
}

const opening: Command[] = NODES.map((nodeId, index) => ({
  kind: "addNode",
  nodeId,
  size: [12 + index * 4, 16, 16, 16],
}));

const KINDS = ["allocate", "reserve", "claim", "renew", "end", "release", "resizeNode", "expire"];

test("random commands: memory, model and ledger stay equal, invariants hold", () => {
  const done = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(command, { minLength: 40, maxLength: 80 }), (commands) => {
      const bench = new Bench();
      for (const step of [...opening, ...commands]) bench.run(step);
      for (const [kind, count] of bench.done) done.set(kind, (done.get(kind) ?? 0) + count);
    }),
    // Shrinking a long failure may take minutes: what is found by then is shown.
    { numRuns: 150, interruptAfterTimeLimit: 60_000 },
  );
  if (process.argv.includes("--counts")) console.log(done);
  for (const word of [...KINDS, "swept expired", "swept released", "donated"]) {
    assert.ok((done.get(word) ?? 0) >= 20, `${word}: ${done.get(word) ?? 0} times`);
  }
});

test.run();
