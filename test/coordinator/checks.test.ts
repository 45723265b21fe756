/** Invariants are counted while the product runs, and a broken one is seen. */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { RepriseError } from "../../host/lib/errors.js";
import { interruption } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("coordinator checks");

test("each cycle counts what it checked, and finds nothing in sound books", async () => {
  const cluster = new Cluster().node("a", 8).tenant("v", "a", { size: 4 });
  assert.is((await cluster.after(0)).invariantCheckCount, 1);
  cluster.coordinator.submit(interruption("v"));
  const report = await cluster.after(0);
  // The books, the plan behind the act, the end of the new lease.
  assert.equal([report.invariantCheckCount, report.invariantFailures], [3, []]);
});

test("books that do not add up are reported on the next cycle", async () => {
  const cluster = new Cluster().node("a", 8).tenant("v", "a", { size: 4 });
  cluster.allocator.checkInvariants = () => {
    throw new RepriseError("ERR_INVARIANT", "sum of cpu in node/a");
  };
  assert.match((await cluster.after(0)).invariantFailures[0] ?? "", /sum of cpu/);
});

test("a plan that the ledger does not have is not acted on", async () => {
  const ledger = new MemoryLedger();
  const commit = ledger.commit.bind(ledger);
  ledger.commit = (changes) => commit(changes.filter(({ table }) => table !== "plan"));
  const cluster = new Cluster({ ledger }).node("a", 8).tenant("v", "a", { size: 4 });
  cluster.coordinator.submit(interruption("v"));
  const report = await cluster.after(0);
  assert.is(report.decisions[0]?.kind, "proceed");
  assert.match(report.invariantFailures.join(), /plan p-000000000001 is not in the ledger/);
  assert.equal(cluster.acts(), []);
});

test("a lease that is held past its end is reported", async () => {
  const cluster = new Cluster().node("a", 8).tenant("v", "a", { size: 4 });
  cluster.coordinator.submit(interruption("v"));
  await cluster.after(0);
  cluster.allocator.expire = () => [];
  const report = await cluster.after(60);
  assert.match(report.invariantFailures.join(), /is held past its end/);
});

test.run();
