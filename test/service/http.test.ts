import { test } from "uvu";
import * as assert from "uvu/assert";
import { SystemClock, sleep } from "../../host/lib/clock.js";
import { securityHeaders } from "../../host/service/security-headers.js";
import { ENFORCING, registration, withFolder, withService } from "./support.js";

const clock = new SystemClock();

test("an interruption from registration to hand-over", () =>
  withService(ENFORCING, async (call) => {
    assert.is((await call("PUT", "/v1/instances", registration("a"))).status, 201);
    assert.is((await call("PUT", "/v1/instances", registration("a"))).status, 200);
    const samples = [1, 2, 3].map((n) => ({
      instanceId: "a",
      timeMs: clock.nowMs() - 60_000 * (4 - n),
      cpuCores: n / 2,
      memoryGiB: 1,
      networkMbps: 3,
      disk: 1,
    }));
    const taken = await call("POST", "/v1/samples", samples);
    assert.equal(taken.body, { accepted: 3, dropped: {} });
    await until(async () => {
      const { body } = await call("GET", "/v1/instances/a/profile");
      return (body.predictedCpuCores as number) > 0;
    });
    const decided = await call("POST", "/v1/interruptions", { instanceId: "a", requestId: "r1" });
    assert.is(decided.status, 200);
    assert.is(decided.body.kind, "proceed");
    assert.equal(decided.body.victims, ["a"]);
    assert.is(decided.body.acted, true);

    const again = await call("POST", "/v1/interruptions", { instanceId: "a", requestId: "r1" });
    assert.is(again.body.decisionId, decided.body.decisionId, "the same request, the same answer");
    const other = await call("POST", "/v1/interruptions", { instanceId: "b", requestId: "r1" });
    assert.is(other.status, 409);

    const leases = await call("GET", "/v1/reservations");
    assert.is((leases.body.items as unknown[]).length, 1);
    const claim = await call("POST", "/v1/instances/a/checkpoint", { sizeGiB: 1 });
    assert.equal([claim.status, claim.body], [200, { believed: false }]);
    assert.is((await call("POST", "/v1/instances/a/stopped", {})).status, 204);
    const grant = await call("POST", "/v1/instances/a/restarted", {});
    assert.is(grant.status, 200);
    const { amounts } = grant.body as { amounts: Record<string, number[]> };
    assert.ok((amounts.cpu?.[0] ?? 0) > 0, "it gets what was reserved");

    const explained = await call("GET", `/v1/decisions/${decided.body.decisionId}`);
    assert.is(explained.body.inputsHash, decided.body.inputsHash);
    assert.is(explained.status, 200);
  }));

test("in mode recommend it is said and not done, in mode off refused", () =>
  withService(
    ENFORCING.replace(
      "modes: { default: enforce }",
      "modes: { default: recommend, groups: { dark: off } }",
    ),
    async (call, service) => {
      await call("PUT", "/v1/instances", registration("a"));
      await call("PUT", "/v1/instances", registration("d", { groupId: "dark" }));
      const said = await call("POST", "/v1/interruptions", { instanceId: "a" });
      assert.is(said.status, 200);
      assert.is(said.body.acted, false);
      assert.is(service.runtime.ledger.count("decision"), 0);
      assert.is((await call("POST", "/v1/interruptions", { instanceId: "d" })).status, 409);
      const reclaim = await call("POST", "/v1/reclaims", {
        nodeIds: ["n1"],
        amounts: { cpu: 7.5, memory: 1, network: 1, disk: 1 },
        deadlineMs: clock.nowMs() + 60_000,
        priorityMax: 100,
      });
      assert.is(reclaim.body.acted, false);
    },
  ));

test("a stop or a restart at an impossible time is refused and takes nothing", () =>
  withService(ENFORCING, async (call, { runtime }) => {
    await call("PUT", "/v1/instances", registration("a"));
    await call("POST", "/v1/interruptions", { instanceId: "a", requestId: "r1" });
    const before = [...runtime.allocator.reservations()];
    assert.is(before.length, 1);
    const { stoppedMs, earlierMs } = { stoppedMs: clock.nowMs(), earlierMs: 1_000 };
    await call("POST", "/v1/instances/a/stopped", { timeMs: stoppedMs });
    const early = await call("POST", "/v1/instances/a/restarted", { timeMs: earlierMs });
    assert.is(early.status, 400, JSON.stringify(early.body));
    assert.is(early.body.field, "timeMs");
    const after = [...runtime.allocator.reservations()];
    assert.is(after[0]?.state, "held", "the room waits still");
    assert.is((await call("POST", "/v1/instances/a/restarted", {})).status, 200);
    const again = await call("POST", "/v1/instances/a/stopped", { timeMs: earlierMs });
    assert.is(again.status, 400);
    assert.ok(runtime.profiler.isRunning("a"));
  }));

test("what a consideration says moves nothing", () =>
  withService(ENFORCING, async (call, service) => {
    await call("PUT", "/v1/instances", registration("a"));
    const asked = { interrupt: { instanceId: "a" } };
    const first = await call("POST", "/v1/considerations", asked);
    assert.is(first.status, 200);
    assert.ok(Array.isArray(first.body.candidates));
    assert.is(service.runtime.ledger.count("decision"), 0);
    assert.is(service.runtime.ledger.count("reservation"), 0);
  }));

test("bad calls are problems with stable codes, and nothing moves", () =>
  withService(ENFORCING, async (call, service) => {
    const cases: [string, string, unknown, number, string][] = [
      ["PUT", "/v1/instances", registration("a", { colour: "red" }), 400, "ERR_ARGUMENT"],
      ["PUT", "/v1/instances", registration("a", { priority: "1" }), 400, "ERR_ARGUMENT"],
      ["PUT", "/v1/instances", registration("x".repeat(300)), 400, "ERR_ARGUMENT"],
      ["PUT", "/v1/instances", "{", 400, "ERR_ARGUMENT"],
      ["PUT", "/v1/nodes", { nodeId: "n3" }, 400, "ERR_ARGUMENT"],
      ["POST", "/v1/interruptions", {}, 400, "ERR_ARGUMENT"],
      ["POST", "/v1/interruptions", { instanceId: "a", force: true }, 400, "ERR_ARGUMENT"],
      ["GET", "/v1/instances/nobody", undefined, 404, "ERR_UNKNOWN_ID"],
      ["GET", "/v1/instances/nobody/profile", undefined, 404, "ERR_UNKNOWN_ID"],
      ["POST", "/v1/instances/nobody/restarted", {}, 404, "ERR_UNKNOWN_ID"],
      ["POST", "/v1/instances/nobody/checkpoint", {}, 404, "ERR_UNKNOWN_ID"],
      ["GET", "/v1/instances?limit=0", undefined, 400, "ERR_ARGUMENT"],
      ["GET", "/v1/instances?limits=1", undefined, 400, "ERR_ARGUMENT"],
      ["GET", "/v1/decisions/nothing", undefined, 404, "ERR_UNKNOWN_ID"],
      ["GET", "/v1/reservations/nothing", undefined, 404, "ERR_NOT_FOUND"],
      ["GET", "/v1/requests/nothing", undefined, 404, "ERR_NOT_FOUND"],
      ["GET", "/v2", undefined, 404, "ERR_NOT_FOUND"],
      ["GET", "/docs/static/..%2f..%2f..%2fpackage.json", undefined, 404, "ERR_NOT_FOUND"],
      ["POST", "/v1/samples", [{ instanceId: "a" }], 400, "ERR_ARGUMENT"],
    ];
    for (const [method, path, body, status, code] of cases) {
      const answer = await call(method, path, body);
      assert.is(answer.status, status, `${method} ${path} ${JSON.stringify(body)}`);
      assert.is(answer.body.code, code, `${method} ${path}`);
      assert.match(answer.headers.get("content-type") ?? "", "application/problem+json");
    }
    const polluted = '{"__proto__":{"admin":true},"nodeId":"n3","allocatable":{}}';
    assert.is((await call("PUT", "/v1/nodes", polluted)).status, 400);
    assert.is(({} as { admin?: boolean }).admin, undefined);
    assert.is(service.runtime.profiler.instanceCount, 0);
    assert.equal([...service.runtime.allocator.nodeIds()].sort(), ["n1", "n2"]);
  }));

test("a body above the limit is refused", () =>
  withService(`${ENFORCING}\nhttp: { bodyBytesMax: 1024 }`, async (call) => {
    const answer = await call("POST", "/v1/samples", "x".repeat(2_000));
    assert.is(answer.status, 413);
    assert.is(answer.body.code, "ERR_LIMIT");
  }));

test("above the rate a client is asked to wait", () =>
  withService(`${ENFORCING}\nhttp: { requestsPerMinute: 3 }`, async (call) => {
    for (let n = 0; n < 3; n++) assert.is((await call("GET", "/v1/pools/total")).status, 200);
    const answer = await call("GET", "/v1/pools/total");
    assert.is(answer.status, 429);
    assert.is(answer.body.code, "ERR_OVERLOADED");
    assert.ok(Number(answer.headers.get("retry-after")) > 0);
  }));

test("lines stream in; bad samples are counted, a bad line ends it with its number", () =>
  withService(ENFORCING, async (call) => {
    await call("PUT", "/v1/instances", registration("a"));
    const line = (timeMs: number, cpuCores: number) =>
      JSON.stringify({ instanceId: "a", timeMs, cpuCores });
    const now = clock.nowMs();
    const type = { "content-type": "application/x-ndjson" };
    const good = [line(now - 3_000, 1), line(now - 3_000, 1), line(now - 2_000, -1), line(now, 2)];
    const taken = await call("POST", "/v1/samples/stream", good.join("\n"), type);
    assert.equal(taken.body, { accepted: 2, dropped: { duplicate: 1, negative: 1 } });
    const bad = await call("POST", "/v1/samples/stream", `${line(now + 1, 1)}\nno json\n`, type);
    assert.is(bad.status, 400);
    assert.match(bad.body.detail as string, /line 2/);
  }));

test("pages follow one another without gaps", () =>
  withService(ENFORCING, async (call) => {
    const ids = Array.from({ length: 7 }, (_, n) => `i${n}`);
    for (const id of ids) await call("PUT", "/v1/instances", registration(id));
    const seen: string[] = [];
    let after = "";
    for (let page = 0; page < 10; page++) {
      const { body } = await call("GET", `/v1/instances?limit=3${after}`);
      seen.push(...(body.items as { instanceId: string }[]).map(({ instanceId }) => instanceId));
      if (body.next === null) break;
      after = `&after=${body.next}`;
    }
    assert.equal(seen, ids);
  }));

test("events come as they happen, and again from the last one seen", () =>
  withService(ENFORCING, async (call, service) => {
    const controller = new AbortController();
    const stream = await fetch(`${service.address}/v1/events`, { signal: controller.signal });
    await call("PUT", "/v1/instances", registration("a"));
    await call("PUT", "/v1/instances", registration("b"));
    assert.match(await readUntil(stream, '"instanceId":"b"'), "event: registered");
    controller.abort();
    const again = new AbortController();
    const headers = { "last-event-id": "1" };
    const rest = await fetch(`${service.address}/v1/events`, { headers, signal: again.signal });
    const text = await readUntil(rest, '"instanceId":"b"');
    assert.not.match(text, '"instanceId":"a"');
    again.abort();
  }));

test("health, metrics and the description of the API", () =>
  withService(ENFORCING, async (call) => {
    assert.is((await call("GET", "/healthz")).body.status, "ok");
    assert.is((await call("GET", "/readyz")).body.status, "ready");
    const metrics = (await call("GET", "/metrics")).body.text as string;
    assert.match(metrics, /^reprise_pool\{resource="cpu",part="allocatable"\} 16$/m);
    const api = (await call("GET", "/openapi.json")).body as {
      openapi: string;
      paths: Record<string, unknown>;
    };
    assert.is(api.openapi, "3.1.0");
    assert.ok("/v1/interruptions" in api.paths);
    const page = await call("GET", "/docs/");
    assert.is(page.status, 200);
    assert.match(page.headers.get("content-security-policy") ?? "", "default-src 'self'");
    const missing = await call("GET", "/v1/nowhere");
    assert.is(missing.status, 404);
    for (const [name, value] of securityHeaders(false)) assert.is(missing.headers.get(name), value);
    assert.is(missing.headers.get("x-content-type-options"), "nosniff");
    assert.not(missing.headers.has("strict-transport-security"));
    assert.match(JSON.stringify(securityHeaders(true)), "strict-transport-security");
  }));

test("a service that was ended goes on from its ledger", () =>
  withFolder(async (folder) => {
    const yaml = `${ENFORCING}\nledger: { folder: ${folder}/ledger }`;
    let decisionId: unknown;
    await withService(yaml, async (call) => {
      await call("PUT", "/v1/instances", registration("a"));
      const asked = { instanceId: "a", requestId: "r1" };
      decisionId = (await call("POST", "/v1/interruptions", asked)).body.decisionId;
    });
    await withService(yaml, async (call) => {
      const { body } = await call("GET", "/v1/instances/a");
      assert.is(body.groupId, "web");
      assert.is((await call("GET", "/v1/requests/r1")).body.decisionId, decisionId);
      assert.is((await call("GET", "/v1/decisions")).body.next, null);
    });
  }));

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 200; n++) {
    if (await condition()) return;
    await sleep(25);
  }
  throw new Error("it did not come true within 5 s");
}

async function readUntil(reply: Response, text: string): Promise<string> {
  const decoder = new TextDecoder();
  let seen = "";
  for await (const chunk of reply.body ?? []) {
    seen += decoder.decode(chunk as Uint8Array, { stream: true });
    if (seen.includes(text)) return seen;
  }
  throw new Error(`the stream ended without ${text}`);
}

test.run();
