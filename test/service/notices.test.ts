/** A cloud's notice through a running service: event, decision, and nothing twice. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SystemClock, sleep } from "../../host/lib/clock.js";
import { eventually } from "../support/fake-cgroup.js";
import { ENFORCING, registration, withFolder, withService } from "./support.js";

const clock = new SystemClock();

/** Azure's document about one machine that will be preempted. */
async function withAzure(
  body: (endpoint: string, started: string[]) => Promise<void>,
): Promise<void> {
  const started: string[] = [];
  const event = {
    EventId: "602d9444",
    EventStatus: "Scheduled",
    EventType: "Preempt",
    Resources: ["vm0"],
    NotBefore: new Date(clock.nowMs() + 60_000).toUTCString(),
  };
  const server = createServer((request, reply) => {
    if (request.method !== "POST") {
      reply.end(JSON.stringify({ DocumentIncarnation: 1, Events: [event] }));
      return;
    }
    request.setEncoding("utf8").on("data", (text: string) => started.push(text));
    request.on("end", () => reply.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, started);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const yaml = (endpoint: string, nodeId: string, more = "") => `${ENFORCING}${more}
notices: { cloud: azure, endpoint: "${endpoint}", pollSeconds: 0.05, nodes: { vm0: ${nodeId} } }
`;

test("a loss is announced, decided once, and not again after a restart of the service", () =>
  withAzure((endpoint) =>
    withFolder(async (folder) => {
      const config = yaml(endpoint, "n1", `ledger: { folder: ${folder}/ledger }`);
      let decisionId = "";
      await withService(config, async (_call, { runtime }) => {
        assert.ok(await eventually(() => runtime.ledger.count("decision") > 0));
        const [decision] = [...runtime.ledger.entries("decision")].map(([, each]) => each);
        decisionId = decision?.decisionId ?? "";
        assert.match(decision?.requestId ?? "", /^notice-[0-9a-f]{20}$/);
        const events = runtime.events.since(0).map(({ event }) => event);
        const [notice, ...more] = events.filter(({ kind }) => kind === "notice");
        assert.equal(more, [], "told once");
        assert.ok(notice?.kind === "notice" && notice.notice.action === "Preempt");
        assert.is(notice?.kind === "notice" && notice.nodeId, "n1");
      });
      await withService(config, async (_call, { runtime }) => {
        const isTold = () => runtime.events.since(0).some(({ event }) => event.kind === "notice");
        assert.ok(await eventually(isTold));
        const ids = [...runtime.ledger.entries("decision")].map(([, each]) => each.decisionId);
        assert.equal(ids, [decisionId]);
      });
    }),
  ));

test("who runs on a machine that goes is interrupted, with room for the restart elsewhere", () =>
  withAzure((endpoint) =>
    withFolder(async (folder) => {
      const ledger = `ledger: { folder: ${folder}/ledger }`;
      await withService(`${ENFORCING}${ledger}`, async (call) => {
        await call("PUT", "/v1/instances", registration("a"));
        const samples = [3, 2, 1].map((minutes) => ({
          instanceId: "a",
          timeMs: clock.nowMs() - minutes * 60_000,
          cpuCores: 0.5,
          memoryGiB: 1,
          networkMbps: 1,
          disk: 1,
        }));
        await call("POST", "/v1/samples", samples);
        await eventually(async () => {
          const { body } = await call("GET", "/v1/instances/a/profile");
          return (body.predictedCpuCores as number) > 0;
        });
      });
      await withService(yaml(endpoint, "n1", ledger), async (call, { runtime }) => {
        assert.ok(await eventually(() => runtime.ledger.count("decision") > 0));
        const [decision] = [...runtime.ledger.entries("decision")].map(([, each]) => each);
        assert.is(decision?.kind, "proceed", JSON.stringify(decision?.reasons));
        assert.equal(decision?.victims, ["a"]);
        const leases = await call("GET", "/v1/reservations");
        const items = leases.body.items as { instanceId: string; nodeId: string }[];
        assert.is(items.find(({ instanceId }) => instanceId === "a")?.nodeId, "n2");
      });
    }),
  ));

test("a loss is let happen early once nobody runs there, and only when that is wanted", () =>
  withAzure(async (endpoint, started) => {
    const wanted = yaml(endpoint, "n1").replace("pollSeconds", "acknowledge: true, pollSeconds");
    for (const config of [wanted, yaml(endpoint, "n1")]) {
      const isWanted = config === wanted;
      started.length = 0;
      await withService(config, async (call, { runtime }) => {
        await call("PUT", "/v1/instances", registration("a"));
        assert.ok(await eventually(() => runtime.ledger.count("decision") > 0));
        await sleep(1_500);
        assert.equal(started, [], "somebody runs there still");
        await call("POST", "/v1/instances/a/stopped", {});
        if (isWanted) {
          assert.ok(await eventually(() => started.length > 0));
          const isTold = () =>
            runtime.events.since(0).some(({ event }) => event.kind === "notice-acknowledged");
          assert.ok(await eventually(isTold));
        }
        await sleep(1_200);
        const expected = isWanted ? ['{"StartRequests":[{"EventId":"602d9444"}]}'] : [];
        assert.equal(started, expected);
      });
    }
  }));

test("of machines that are not known here, and in mode recommend, it is only told", () =>
  withAzure(async (endpoint) => {
    const recommending = yaml(endpoint, "n1").replace("default: enforce", "default: recommend");
    for (const config of [yaml(endpoint, "n9"), recommending]) {
      await withService(config, async (_call, { runtime }) => {
        const isTold = () => runtime.events.since(0).some(({ event }) => event.kind === "notice");
        assert.ok(await eventually(isTold));
        await runtime.tick();
        assert.is(runtime.ledger.count("decision"), 0);
      });
    }
  }));

test.run();
