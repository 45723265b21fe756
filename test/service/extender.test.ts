/** The extender against requests in the shapes that kube-scheduler sends. */
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RESOURCES } from "../../host/core/abi.js";
import { SystemClock } from "../../host/lib/clock.js";
import { podOwners, podRequests, quantity } from "../../host/service/routes/extender-pods.js";
import type { Service } from "../../host/service/serve.js";
import { thrownBy } from "../support/thrown.js";
import { type Call, ENFORCING, registration, withService } from "./support.js";

const clock = new SystemClock();

/** As `kubectl get pod -o json` has it, cut down. */
function pod(name: string, cpu: string, more: { uid?: string; priority?: number } = {}) {
  const { uid = `uid-${name}`, priority = 100 } = more;
  return {
    metadata: { name, namespace: "shop", uid, creationTimestamp: null, labels: { app: name } },
    spec: {
      priority,
      schedulerName: "default-scheduler",
      containers: [{ name: "main", image: "x", resources: { requests: { cpu, memory: "1Gi" } } }],
    },
    status: { phase: "Pending" },
  };
}

const node = (name: string) => ({
  metadata: { name },
  spec: {},
  status: { capacity: { cpu: "8" } },
});
const nodeList = (...names: string[]) => ({ metadata: {}, items: names.map(node) });

/** Keeps room on n1 for the restart of an owner. */
function keep({ runtime }: Service, ownerId: string, cpu: number): void {
  const amounts = RESOURCES.flatMap((name) => {
    const amount = name === "cpu" ? cpu : 0;
    return [amount, amount, amount];
  });
  const expectedRestartMs = clock.nowMs() + 600_000;
  const lease = { instanceId: ownerId, ownerId, groupId: "web", nodeId: "n1", amounts };
  runtime.allocator.reserve({ ...lease, expectedRestartMs });
}

test("filter: room kept for a restart is nobody else's, in both forms of the cache", () =>
  withService(ENFORCING, async (call, service) => {
    keep(service, "shop/job-7", 6);
    const names = await call("POST", "/scheduler/filter", {
      Pod: pod("new", "4"),
      Nodes: null,
      NodeNames: ["n1", "n2", "elsewhere"],
    });
    assert.is(names.status, 200);
    assert.equal(Object.keys(names.body).sort(), [
      "Error",
      "FailedAndUnresolvableNodes",
      "FailedNodes",
      "NodeNames",
      "Nodes",
    ]);
    assert.equal(names.body.NodeNames, ["n2", "elsewhere"], "unknown nodes are not ours to judge");
    assert.is(names.body.Nodes, null);
    assert.is(names.body.Error, "");
    const { n1 } = names.body.FailedNodes as Record<string, string>;
    assert.match(n1 ?? "", /^6 cores kept for the restart of shop\/job-7 until 20\d\d-/);

    const whole = await call("POST", "/scheduler/filter", {
      Pod: pod("new", "4"),
      Nodes: nodeList("n1", "n2"),
      NodeNames: null,
    });
    assert.is(whole.body.NodeNames, null);
    assert.equal(whole.body.Nodes, { metadata: {}, items: [node("n2")] }, "nodes come back whole");

    const small = await call("POST", "/scheduler/filter", {
      Pod: pod("small", "1500m"),
      Nodes: null,
      NodeNames: ["n1"],
    });
    assert.equal(small.body.NodeNames, ["n1"], "beside what is kept there is room");
    const own = await call("POST", "/scheduler/filter", {
      Pod: pod("job-7", "4"),
      Nodes: null,
      NodeNames: ["n1"],
    });
    assert.equal(own.body.NodeNames, ["n1"], "what is kept for it is its own");
    assert.is(service.runtime.ledger.count("decision"), 0);
  }));

test("filter leaves to the scheduler what pods themselves hold", () =>
  withService(ENFORCING, async (call) => {
    const allocation = { cpu: 8, memory: 8, network: 0, disk: 0 };
    await call("PUT", "/v1/instances", registration("a", { allocation }));
    const asked = { Pod: pod("new", "4"), Nodes: null, NodeNames: ["n1"] };
    assert.equal((await call("POST", "/scheduler/filter", asked)).body.NodeNames, ["n1"]);
  }));

test("prioritize: 10 where room is kept, more where more is left", () =>
  withService(ENFORCING, async (call, service) => {
    keep(service, "shop/job-7", 2);
    const scores = async (name: string) => {
      const asked = { Pod: pod(name, "1"), Nodes: null, NodeNames: ["n1", "n2", "elsewhere"] };
      const { body } = await call("POST", "/scheduler/prioritize", asked);
      const list = body as unknown as { Host: string; Score: number }[];
      assert.equal(
        list.map(({ Host }) => Host),
        ["n1", "n2", "elsewhere"],
      );
      return list.map(({ Score }) => Score);
    };
    assert.equal(await scores("job-7"), [10, 8, 5]);
    assert.equal(await scores("other"), [6, 8, 5]);
  }));

async function twoVictims(call: Call): Promise<void> {
  const allocation = { cpu: 4, memory: 4, network: 0, disk: 0 };
  for (const name of ["v1", "v2"]) {
    await call("PUT", "/v1/instances", registration(`uid-${name}`, { allocation }));
  }
  const samples = ["uid-v1", "uid-v2"].flatMap((instanceId) =>
    [3, 2, 1].map((minutes) => ({
      instanceId,
      timeMs: clock.nowMs() - minutes * 60_000,
      cpuCores: 0.5,
      memoryGiB: 1,
      networkMbps: 0,
      disk: 0,
    })),
  );
  await call("POST", "/v1/samples", samples);
  for (let n = 0; n < 100; n++) {
    const { body } = await call("GET", "/v1/instances/uid-v2/profile");
    if ((body.predictedCpuCores as number) > 0) break;
  }
}

const metaVictims = (...uids: string[]) => ({
  Pods: uids.map((UID) => ({ UID })),
  NumPDBViolations: 2,
});

test("preempt: one victim is enough where the scheduler wanted two", () =>
  withService(ENFORCING, async (call, service) => {
    await twoVictims(call);
    const meta = await call("POST", "/scheduler/preempt", {
      Pod: pod("urgent", "3"),
      NodeNameToVictims: null,
      NodeNameToMetaVictims: { n1: metaVictims("uid-v1", "uid-v2") },
    });
    assert.is(meta.status, 200);
    const byNode = meta.body.NodeNameToMetaVictims as Record<
      string,
      ReturnType<typeof metaVictims>
    >;
    assert.is(byNode.n1?.Pods.length, 1, JSON.stringify(meta.body));
    assert.match(byNode.n1?.Pods[0]?.UID ?? "", /^uid-v[12]$/);
    assert.is(byNode.n1?.NumPDBViolations, 1);

    const victims = { Pods: [pod("v1", "4"), pod("v2", "4")], NumPDBViolations: 0 };
    const whole = await call("POST", "/scheduler/preempt", {
      Pod: pod("urgent", "3"),
      NodeNameToVictims: { n1: victims },
      NodeNameToMetaVictims: null,
    });
    const chosen = whole.body.NodeNameToMetaVictims as typeof byNode;
    assert.equal(chosen.n1?.Pods, byNode.n1?.Pods, "whole pods in, ids out");
    assert.is(service.runtime.ledger.count("decision"), 0, "it is only said");
  }));

test("preempt: an empty map puts it off while the victims could not restart or are above it", () =>
  withService(ENFORCING, async (call, { runtime }) => {
    await twoVictims(call);
    const victims = { n1: metaVictims("uid-v1", "uid-v2") };
    const ask = async (body: object) =>
      (await call("POST", "/scheduler/preempt", body)).body.NodeNameToMetaVictims;
    const low = pod("low", "3", { priority: 5 });
    assert.equal(await ask({ Pod: low, NodeNameToMetaVictims: victims }), {}, "they are above it");
    runtime.allocator.resizeNode("n2", [0, 0, 0, 0]);
    const big = pod("urgent", "8");
    assert.equal(await ask({ Pod: big, NodeNameToMetaVictims: victims }), {}, "no place for them");
    const { text } = (await call("GET", "/metrics")).body as { text: string };
    assert.match(text, 'reprise_extender_total{verb="preempt",outcome="deferred"} 2');
  }));

test("preempt: what it does not know, or may not act on, it leaves as it was", () =>
  withService(
    ENFORCING.replace("default: enforce", "default: enforce, groups: { quiet: recommend }"),
    async (call) => {
      await twoVictims(call);
      await call("PUT", "/v1/instances", registration("uid-q", { groupId: "quiet" }));
      const asked = {
        n1: metaVictims("uid-v1", "stranger"),
        elsewhere: metaVictims("uid-v1"),
        n2: metaVictims("uid-q"),
      };
      const { body } = await call("POST", "/scheduler/preempt", {
        Pod: pod("urgent", "3"),
        NodeNameToVictims: null,
        NodeNameToMetaVictims: asked,
      });
      assert.equal(body.NodeNameToMetaVictims, asked);
    },
  ));

test("what fails inside is answered as if nobody had been asked, and counted", () =>
  withService(ENFORCING, async (call, { runtime }) => {
    await twoVictims(call);
    runtime.allocator.headroom = () => {
      throw new Error("broken");
    };
    runtime.coordinator.consider = runtime.allocator.headroom as never;
    const args = { Pod: pod("new", "4"), Nodes: null, NodeNames: ["n1", "n2"] };
    const filter = await call("POST", "/scheduler/filter", args);
    assert.equal(filter.body.NodeNames, ["n1", "n2"]);
    assert.equal(filter.body.FailedNodes, {});
    const scores = await call("POST", "/scheduler/prioritize", args);
    assert.equal(scores.body, [
      { Host: "n1", Score: 0 },
      { Host: "n2", Score: 0 },
    ]);
    const victims = { n1: metaVictims("uid-v1") };
    const preempt = await call("POST", "/scheduler/preempt", {
      Pod: pod("urgent", "3"),
      NodeNameToMetaVictims: victims,
    });
    assert.equal(preempt.body.NodeNameToMetaVictims, victims);
    const { text } = (await call("GET", "/metrics")).body as { text: string };
    for (const verb of ["filter", "prioritize", "preempt"]) {
      assert.match(text, `reprise_extender_total{verb="${verb}",outcome="failed"} 1`);
    }
  }));

test("after its time it gets out of the way", () =>
  withService(ENFORCING, async (call, { runtime }) => {
    keep({ runtime } as Service, "shop/job-7", 6);
    const pool = runtime.allocator.pool.bind(runtime.allocator);
    runtime.allocator.pool = (kind, id) => {
      for (const beganMs = clock.nowMs(); clock.nowMs() < beganMs + 60; );
      return pool(kind, id);
    };
    const args = { Pod: pod("new", "4"), Nodes: null, NodeNames: ["n1", "n2"] };
    const { body } = await call("POST", "/scheduler/filter", args);
    assert.equal(body.NodeNames, ["n1", "n2"]);
    const { text } = (await call("GET", "/metrics")).body as { text: string };
    assert.match(text, 'reprise_extender_total{verb="filter",outcome="late"} 1');
  }));

test("calls in other shapes are refused", () =>
  withService(`${ENFORCING}\nhttp: { bodyBytesMax: 2048 }`, async (call) => {
    const bad = [
      {},
      { Pod: null },
      { Pod: {}, NodeNames: "n1" },
      { Pod: pod("a", "4 cores"), NodeNames: ["n1"] },
    ];
    for (const body of bad) {
      const answer = await call("POST", "/scheduler/filter", body);
      assert.is(answer.status, 400, JSON.stringify(body));
      assert.is(answer.body.code, "ERR_ARGUMENT");
    }
    const long = {
      Pod: pod("a", "1"),
      NodeNames: Array.from({ length: 500 }, (_, n) => `node-${n}`),
    };
    assert.is((await call("POST", "/scheduler/filter", long)).status, 413);
  }));

test("quantities and requests as the scheduler counts them", () => {
  const cases: [string, number][] = [
    ["500m", 0.5],
    ["2", 2],
    ["1Gi", 2 ** 30],
    ["1.5e3", 1_500],
    ["100E", 1e20],
    [".5", 0.5],
  ];
  for (const [text, value] of cases) assert.is(quantity(text), value, text);
  for (const text of ["", "-1", "1 Gi", "1gi", "e3", "NaN", "1GiB"]) {
    assert.is(thrownBy(() => quantity(text)).code, "ERR_ARGUMENT", text);
  }
  // A pattern that can split digits in many ways would take minutes.
  assert.is(thrownBy(() => quantity(`${"1".repeat(200_000)}!`)).code, "ERR_ARGUMENT");
  const of = (cpu: string) => ({ resources: { requests: { cpu } } });
  const spec = {
    containers: [of("1"), of("500m")],
    initContainers: [of("3"), { ...of("1"), restartPolicy: "Always" }, of("1")],
    overhead: { cpu: "250m" },
  };
  assert.equal(podRequests({ spec }), [3.25, 0, 0, 0]);
  const owners = podOwners({
    metadata: {
      name: "a",
      uid: "u",
      annotations: { "reprise/owner": "job" },
      ownerReferences: [{ uid: "x" }, { uid: "c", controller: true }],
    },
  });
  assert.equal(owners, ["job", "u", "default/a", "c"]);
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.constantFrom("", "m", "k", "Mi"), (n, suffix) => {
      assert.ok(quantity(`${n}${suffix}`) >= 0);
    }),
  );
});

test.run();
