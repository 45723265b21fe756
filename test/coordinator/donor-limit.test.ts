import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Act } from "../../host/engines/engine.js";
import { interruption, reclaim } from "./cases.js";
import { Cluster } from "./cluster.js";

const test = suite("donor limit");

function acted(cluster: Cluster): string[] {
  const told = ({ kind, instanceId }: Act) => `${kind} ${instanceId}`;
  return cluster.acts().map(told).sort();
}

/** A full node, two that could give 4 each, and room elsewhere for one restart. */
function full(): Cluster {
  return new Cluster()
    .node("a", 12)
    .node("b", 6)
    .tenant("high", "a", { size: 6, keep: 2, priority: 9 })
    .tenant("low", "a", { size: 6, keep: 2, priority: 1 });
}

test("a reclaim squeezes nobody above the class that it may touch", async () => {
  const cluster = full();
  cluster.coordinator.submit(reclaim(4, ["a"], { priorityMax: 5 }));
  await cluster.after(0);
  assert.equal(acted(cluster), ["shrink low"]);
  assert.equal(cluster.allocator.allocationOf("high")?.amounts.slice(0, 2), [6, 6]);
});

test("where those that it may touch give too little, one of them goes", async () => {
  const cluster = full();
  cluster.coordinator.submit(reclaim(6, ["a"], { priorityMax: 5 }));
  await cluster.after(0);
  assert.equal(acted(cluster), ["interrupt low"]);
  const anybody = full();
  anybody.coordinator.submit(reclaim(6, ["a"], { priorityMax: 9 }));
  await anybody.after(0);
  assert.equal(acted(anybody), ["shrink high", "shrink low"]);
});

test("nobody shrinks for the restart of somebody of a lower class", async () => {
  for (const [priority, expected] of [
    [2, "defer"],
    [3, "proceed"],
  ] as const) {
    const cluster = new Cluster()
      .node("a", 8)
      .tenant("v", "a", { size: 2, need: 4, priority })
      .tenant("neighbour", "a", { size: 6, keep: 2, priority: 3 });
    cluster.coordinator.submit(interruption("v"));
    const { decisions } = await cluster.after(0);
    assert.equal(
      decisions.map(({ kind }) => kind),
      [expected],
    );
  }
});

test("whoever has no known class is left alone", async () => {
  const cluster = new Cluster().node("a", 8).node("b", 8);
  cluster.tenant("known", "a", { size: 4, priority: 1 });
  cluster.allocator.allocate("stranger", "g", "a", [4, 4, 1, 1]);
  cluster.profiles.set("stranger", { need: [4, 4, 1, 1], keep: [1, 1, 1, 1] });
  cluster.coordinator.submit(reclaim(3, ["a"]));
  await cluster.after(0);
  assert.equal(acted(cluster), ["interrupt known"]);
});

test.run();
