import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Act, ActOutcome, Engine } from "../../host/engines/engine.js";
import { interruption } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("coordinator/shrink-confirm");

/** Confirms every act; `heldOf` says what a donor may use afterwards. */
class ReadingEngine implements Engine {
  readonly name = "reading";
  readonly acts: Act[] = [];
  readonly #heldOf: (act: Act & { readonly kind: "shrink" }) => readonly number[] | undefined;

  constructor(heldOf: (act: Act & { readonly kind: "shrink" }) => readonly number[] | undefined) {
    this.#heldOf = heldOf;
  }

  async act(acts: readonly Act[]): Promise<readonly ActOutcome[]> {
    this.acts.push(...acts);
    return acts.map((act) => {
      const held = act.kind === "shrink" ? this.#heldOf(act) : undefined;
      return { actId: act.actId, status: "confirmed", ...(held && { held }) };
    });
  }

  async close(): Promise<void> {}

  kinds(): string[] {
    return this.acts.map(({ kind, instanceId }) => `${kind} ${instanceId}`);
  }
}

/** The victim needs two cores more than its node has; either donor could give them. */
function open(engine: ReadingEngine): Cluster {
  const cluster = new Cluster({ engine }).node("a", 20);
  cluster.tenant("v", "a", { size: 4, need: 6 });
  cluster.tenant("d", "a", { size: 8, keep: 5 }).tenant("e", "a", { size: 8, keep: 6 });
  cluster.coordinator.submit(interruption("v"));
  return cluster;
}

test("a shrink that was read back as done counts, and the victim goes", async () => {
  const engine = new ReadingEngine(({ target }) => target.map((amount) => amount + 2 ** -11));
  await open(engine).after(0);
  assert.equal(engine.kinds(), ["shrink d", "interrupt v"]);
});

test("what nothing bounds is accounted for by the books", async () => {
  const engine = new ReadingEngine(({ target: [cores = 0] }) => [
    cores,
    Number.NaN,
    Number.NaN,
    Number.NaN,
  ]);
  await open(engine).after(0);
  assert.equal(engine.kinds(), ["shrink d", "interrupt v"]);
});

const NOT_DONE = [
  ["without a value", () => undefined],
  ["with the value of before", () => [8, 8, 8, 8]],
] as const;

for (const [name, heldOf] of NOT_DONE) {
  test(`a shrink that is confirmed ${name} does not count: others are asked`, async () => {
    const engine = new ReadingEngine((act) => (act.instanceId === "d" ? heldOf() : act.target));
    const cluster = open(engine);
    const first = await cluster.after(0);
    assert.equal(engine.kinds(), ["shrink d", "give-back d"], "nobody was interrupted");
    assert.is(cluster.ledger.get("plan", first.decisions[0]?.planId ?? "")?.state, "rolled-back");
    assert.is(cluster.allocator.allocationOf("d")?.amounts[0], 8);
    assert.equal([...cluster.allocator.reservations()], []);
    engine.acts.length = 0;
    await cluster.after(1);
    assert.equal(engine.kinds(), ["shrink e", "interrupt v"]);
    assert.is(cluster.allocator.allocationOf("d")?.amounts[0], 8, "its room was not counted");
    assert.is(cluster.allocator.leakAudit().count, 0);
    cluster.allocator.checkInvariants();
  });
}

test("where nobody shrinks the request waits and nothing is promised", async () => {
  const engine = new ReadingEngine(() => undefined);
  const cluster = open(engine);
  for (const minutes of [0, 1, 1, 1]) await cluster.after(minutes);
  assert.equal(engine.kinds(), ["shrink d", "give-back d", "shrink e", "give-back e"]);
  assert.equal([...cluster.allocator.reservations()], []);
  assert.is(cluster.allocator.allocationOf("v")?.amounts[0], 4, "it runs on");
});

test.run();
