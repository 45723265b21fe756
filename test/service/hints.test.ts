/** Hints that a node may be lost, through a running service: told, placed by, acted on if wanted. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { PlanInputs } from "../../host/coordinator/inputs.js";
import { SystemClock } from "../../host/lib/clock.js";
import { eventually } from "../support/fake-cgroup.js";
import { ENFORCING, registration, withFolder, withService } from "./support.js";

const clock = new SystemClock();

/** IMDSv2 of a machine for which rebalancing is recommended, and no more than that. */
async function withEc2(body: (notices: string) => Promise<void>): Promise<void> {
  const recommended = JSON.stringify({ noticeTime: new Date(clock.nowMs()).toISOString() });
  const answers: Readonly<Record<string, string>> = {
    "/latest/api/token": "token",
    "/latest/meta-data/instance-id": "i-0a",
    "/latest/meta-data/events/recommendations/rebalance": recommended,
  };
  const server = createServer(({ url = "" }, reply) => {
    const text = answers[url];
    reply.writeHead(text === undefined ? 404 : 200).end(text ?? "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await body(`cloud: ec2, endpoint: "${endpoint}", pollSeconds: 0.05, nodes: { i-0a: n1 }`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("a recommendation is told with its chance and not acted on unless that is wanted", () =>
  withEc2((notices) =>
    withService(`${ENFORCING}notices: { ${notices} }`, async (call, { runtime }) => {
      const told = () =>
        runtime.events.since(0).flatMap(({ event }) => (event.kind === "notice" ? [event] : []));
      assert.ok(await eventually(() => told().length > 0));
      const [notice] = told();
      assert.is(notice?.nodeId, "n1");
      assert.ok((notice?.lossChance ?? 0) > 0.09 && (notice?.lossChance ?? 1) < 0.1);
      await runtime.tick();
      assert.is(runtime.ledger.count("decision"), 0);
      const { body } = await call("GET", "/v1/quality");
      assert.is((body.hints as { open: number }).open, 1);
      const metrics = await call("GET", "/metrics");
      assert.match(`${metrics.body.text}`, /^reprise_hints_open 1$/m);
    }),
  ));

test("from the chance that the configuration names on, the node is emptied in order, unforced", () =>
  withEc2((notices) =>
    withFolder(async (folder) => {
      const ledger = `ledger: { folder: ${folder}/ledger }\n`;
      const config = `${ENFORCING}${ledger}notices: { ${notices}, rebalanceChance: 0.05 }`;
      await withService(config, async (_call, { runtime }) => {
        assert.ok(await eventually(() => runtime.ledger.count("decision") > 0));
        const [decision] = [...runtime.ledger.entries("decision")].map(([, each]) => each);
        assert.match(decision?.requestId ?? "", /^notice-/);
        const { request } = (decision?.inputs ?? {}) as Partial<PlanInputs>;
        assert.equal([request?.kind, request?.force], ["reclaim", undefined]);
        assert.is(runtime.coordinator.hints.losses, 0, "that was no loss");
      });
      // The same recommendation is told again, and the hint has outlived the process.
      await withService(config, async (_call, { runtime }) => {
        assert.ok(
          await eventually(() =>
            runtime.events.since(0).some(({ event }) => event.kind === "notice"),
          ),
        );
        assert.is(runtime.coordinator.hints.open, 1);
        assert.is(runtime.ledger.count("decision"), 1);
      });
    }),
  ));

test("whoever hears of a node by other ways says so, and a forced loss of it counts as followed", () =>
  withService(ENFORCING, async (call, { runtime }) => {
    await call("PUT", "/v1/instances", registration("a"));
    const hinted = await call("POST", "/v1/nodes/n1/hint", {});
    assert.is(hinted.status, 200);
    assert.ok((hinted.body.lossChance as number) > 0.09);
    const missing = await call("POST", "/v1/nodes/n9/hint", {});
    assert.equal([missing.status, missing.body.code], [404, "ERR_UNKNOWN_ID"]);
    const ahead = await call("POST", "/v1/nodes/n1/hint", { timeMs: clock.nowMs() + 60_000 });
    assert.equal([ahead.status, ahead.body.code], [400, "ERR_ARGUMENT"]);
    assert.is((await call("POST", "/v1/nodes/n1/hint", { when: 1 })).status, 400);
    const loss = await call("POST", "/v1/reclaims", {
      nodeIds: ["n1"],
      amounts: { cpu: 1, memory: 1, network: 0, disk: 0 },
      deadlineMs: clock.nowMs() + 60_000,
      purpose: "capacity-loss",
      priorityMax: 100,
      force: true,
    });
    assert.is(loss.status < 300, true, JSON.stringify(loss.body));
    const { judged, followed, losses, hintedLosses } = runtime.coordinator.hints;
    assert.equal([judged, followed, losses, hintedLosses], [1, 1, 1, 1]);
  }));

test.run();
