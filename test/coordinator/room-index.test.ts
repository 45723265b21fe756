import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RoomIndex } from "../../host/coordinator/room-index.js";
import { Cluster } from "./cluster.js";

const test = suite("coordinator/room-index");

/** Nodes of 16 cores, of which so many are taken. */
function clusterOf(taken: readonly number[]): Cluster {
  const cluster = new Cluster();
  taken.forEach((cores, index) => {
    cluster.node(`n${index}`, 16);
    cluster.tenant(`i${index}`, `n${index}`, { size: cores });
  });
  return cluster;
}

const setTo = (cluster: Cluster, index: number, cores: number) =>
  cluster.allocator.allocate(`i${index}`, "g", `n${index}`, [cores, cores, 1, 1]);

test("the roomiest come first, those in scope are left out", () => {
  const { allocator } = clusterOf([3, 1, 4, 2]);
  const index = new RoomIndex(allocator, 2);
  assert.equal(index.roomiest(new Set()), ["n1", "n3"]);
  index.refresh();
  assert.equal(index.roomiest(new Set(["n1"])), ["n3", "n0"]);
});

test("room gained is seen by the next refresh, a node that is gone at once", () => {
  const cluster = clusterOf([3, 1, 4, 2]);
  const index = new RoomIndex(cluster.allocator, 2);
  index.refresh();
  setTo(cluster, 2, 0.5);
  assert.equal(index.roomiest(new Set()), ["n1", "n3"]);
  cluster.allocator.removeNode("n1");
  assert.equal(index.roomiest(new Set()), ["n3", "n0"]);
  index.refresh();
  assert.equal(index.roomiest(new Set()), ["n2", "n3"]);
});

test("rooms that shrink between refreshes: the same nodes as if all were sorted anew", () => {
  const size = fc.integer({ min: 1, max: 15 });
  fc.assert(
    fc.property(
      fc.array(size, { minLength: 1, maxLength: 12 }),
      fc.array(fc.tuple(fc.nat(11), size), { maxLength: 24 }),
      fc.integer({ min: 1, max: 6 }),
      (taken, changes, nodesMax) => {
        const cluster = clusterOf(taken);
        const index = new RoomIndex(cluster.allocator, nodesMax);
        index.refresh();
        const now = [...taken];
        for (const [node, cores] of changes) {
          const before = now[node];
          if (before === undefined || cores < before) continue;
          now[node] = cores;
          setTo(cluster, node, cores);
          const fresh = new RoomIndex(cluster.allocator, nodesMax);
          assert.equal(index.roomiest(new Set()), fresh.roomiest(new Set()));
        }
      },
    ),
    { numRuns: 60 },
  );
});

test.run();
