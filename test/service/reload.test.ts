/** A configuration that changes while the service runs: by hand, by its file, and what has to wait. */
import { createHash } from "node:crypto";
import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SystemClock, sleep } from "../../host/lib/clock.js";
import { FileWatch } from "../../host/service/config/watch.js";
import { eventually } from "../support/fake-cgroup.js";
import { remoteWriteBytes } from "../support/remote-write-bytes.js";
import { rejectedBy } from "../support/thrown.js";
import { configOf, ENFORCING, registration, withFolder, withService } from "./support.js";

const clock = new SystemClock();

test("a file that is written, replaced or linked anew is told of once it stays", () =>
  withFolder(async (folder) => {
    const path = join(folder, "reprise.yaml");
    writeFileSync(path, "a: 1");
    let count = 0;
    const watch = new FileWatch([path], 20, async () => {
      count++;
    });
    try {
      for (let n = 0; n < 10; n++) {
        writeFileSync(path, `a: ${"1".repeat(n)}`);
        await sleep(4);
      }
      assert.ok(await eventually(() => count > 0));
      await sleep(100);
      const afterWrites = count;
      assert.ok(afterWrites <= 3, `a burst of writes is ${afterWrites} changes`);
      writeFileSync(`${path}.new`, "b: 1");
      renameSync(`${path}.new`, path);
      assert.ok(await eventually(() => count > afterWrites));
      const afterRename = count;
      writeFileSync(join(folder, "next.yaml"), "c: 1");
      rmSync(path);
      symlinkSync(join(folder, "next.yaml"), path);
      assert.ok(await eventually(() => count > afterRename));
    } finally {
      await watch.close();
    }
    const closed = count;
    writeFileSync(path, "d: 1111");
    await sleep(100);
    assert.is(count, closed);
  }));

test("modes, nodes, push and notices are taken up; the rest is named", async () => {
  let asked = 0;
  const cloud = createServer((_request, reply) => {
    asked++;
    reply.end(JSON.stringify({ Events: [] }));
  });
  await new Promise<void>((resolve) => cloud.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(cloud.address() as AddressInfo).port}`;
  const mapping = '{ metric: up_cores, instance: "{pod}", resource: cpu }';
  const push = `push: { windowSeconds: 1, settleSeconds: 0, mappings: [${mapping}] }`;
  try {
    await withService(ENFORCING, async (call, service) => {
      const { runtime, address } = service;
      await call("PUT", "/v1/instances", registration("a"));
      const series = [
        { labels: { __name__: "up_cores", pod: "a" }, samples: [[clock.nowMs(), 2]] },
      ];
      const send = async () => {
        const body = Buffer.from(remoteWriteBytes(series as never));
        const headers = { "content-type": "application/x-protobuf" };
        await fetch(`${address}/v1/remote-write`, { method: "POST", body, headers });
      };
      await send();
      assert.is(runtime.usageOf("a")?.[0] ?? 0, 0, "not mapped yet");
      const yaml = `${ENFORCING.replace("default: enforce", "default: recommend")}
  - { nodeId: n3, allocatable: { cpu: 4, memory: 4, network: 4, disk: 4 } }
${push}
notices: { cloud: azure, endpoint: "${endpoint}", pollSeconds: 0.05 }
http: { streamsMax: 3 }
host: { nodeId: there }`;
      const changes = await service.reload(configOf(yaml));
      assert.equal([...changes.needsRestart].sort(), ["host", "http"]);
      assert.equal([...changes.live].sort(), ["modes", "nodes", "notices", "push"]);
      assert.is(runtime.modeOf("a"), "recommend");
      assert.ok(runtime.allocator.hasNode("n3"));
      await send();
      assert.ok(await eventually(() => runtime.usageOf("a")?.[0] === 2));
      assert.ok(await eventually(() => asked > 1));
      const { body } = await call("GET", "/metrics");
      assert.match(String(body.text), /^reprise_config_waiting 2$/m);
      const event = runtime.events.since(0).find(({ event: each }) => each.kind === "config");
      assert.equal(event?.event, { kind: "config", needsRestart: changes.needsRestart });
      // Back to what it was started with: nothing waits any more, and the cloud is left alone.
      const back = await service.reload(configOf(ENFORCING));
      assert.equal(back.needsRestart, []);
      // One that was on its way may still arrive.
      await sleep(100);
      const askedThen = asked;
      await sleep(200);
      assert.is(asked, askedThen);
    });
  } finally {
    cloud.closeAllConnections();
    cloud.close();
  }
});

test("tokens that cannot be read leave everything as it was", () =>
  withFolder((folder) => {
    const file = join(folder, "tokens.jsonl");
    const sha256 = createHash("sha256").update("secret").digest("hex");
    const line = `${JSON.stringify({ name: "t", role: "admin", sha256 })}\n`;
    writeFileSync(file, line);
    const yaml = `${ENFORCING}\nauth: { tokensFile: ${file} }`;
    const off = configOf(yaml.replace("default: enforce", "default: off"));
    return withService(yaml, async (call, service) => {
      const authorization = { authorization: "Bearer secret" };
      const put = await call("PUT", "/v1/instances", registration("a"), authorization);
      assert.is(put.status, 201);
      writeFileSync(file, "no token");
      const error = await rejectedBy(() => service.reload(off));
      assert.is(error.code, "ERR_CONFIG");
      assert.is(service.runtime.modeOf("a"), "enforce");
      assert.is((await call("GET", "/v1/instances", undefined, authorization)).status, 200);
      writeFileSync(file, line);
      await service.reload(off);
      assert.is(service.runtime.modeOf("a"), "off");
    });
  }));

test.run();
