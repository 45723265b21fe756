import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ClientError, RepriseClient } from "../../host/service/client.js";
import { AMOUNTS, ENFORCING, withService } from "./support.js";

test("registers, sends samples, asks, acts once, and names what was refused", () =>
  withService(ENFORCING, async (_call, { address, runtime }) => {
    const client = new RepriseClient({ address });
    await client.putNode({ nodeId: "n3", allocatable: AMOUNTS });
    const allocation = { cpu: 1, memory: 2, network: 10, disk: 5 };
    const who = { instanceId: "a/b", groupId: "g", nodeId: "n3", priority: 1, interruptible: true };
    await client.register({ ...who, allocation });
    const report = await client.samples([
      { instanceId: "a/b", timeMs: Date.UTC(2026), cpuCores: 1 },
    ]);
    assert.is(report.accepted + Object.values(report.dropped).length, 1);
    assert.is((await client.profile("a/b")).instanceId, "a/b");
    const said = await client.consider({ interrupt: { instanceId: "a/b" } });
    assert.is(said.acted, false);
    const first = await client.interrupt({ instanceId: "a/b", requestId: "once" });
    const again = await client.interrupt({ instanceId: "a/b", requestId: "once" });
    assert.is(
      (again as { decisionId: string }).decisionId,
      (await client.decisionOn("once")).decisionId,
    );
    assert.equal(again, first);
    assert.is(runtime.ledger.count("plan"), 1);
    assert.is((await client.restarted("a/b")).instanceId, "a/b");
    const error: unknown = await client.profile("nobody").catch((each: unknown) => each);
    assert.ok(error instanceof ClientError);
    assert.is(error.status, 404);
    assert.is(error.code, "ERR_UNKNOWN_ID");
  }));

test("asks again when the service is busy, with the same id, and not for ever", async () => {
  const ids: string[] = [];
  let busy = 2;
  const server = createServer((request, reply) => {
    let text = "";
    request.on("data", (chunk) => {
      text += String(chunk);
    });
    request.on("end", () => {
      ids.push((JSON.parse(text) as { requestId: string }).requestId);
      reply.writeHead(busy-- > 0 ? 503 : 200, { "content-type": "application/json" });
      reply.end(JSON.stringify({ code: "ERR_LEDGER", detail: "full" }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = new RepriseClient({ address: `http://127.0.0.1:${port}`, firstWaitMs: 1 });
  await client.interrupt({ instanceId: "i", requestId: "x" });
  assert.is(ids.length, 3);
  assert.is(new Set(ids).size, 1);
  busy = 100;
  const error: unknown = await client
    .interrupt({ instanceId: "i", requestId: "x" })
    .catch((each: unknown) => each);
  assert.ok(error instanceof ClientError && error.code === "ERR_LEDGER");
  assert.is(ids.length, 7);
  server.close();
  server.closeAllConnections();
});

test.run();
