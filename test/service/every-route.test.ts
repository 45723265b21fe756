/** What holds for every route of the API, as its own description lists them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { elapsedMs, SystemClock, sleep } from "../../host/lib/clock.js";
import { type Call, ENFORCING, registration, withService } from "./support.js";

interface Operation {
  readonly responses?: Readonly<Record<string, { readonly content?: object }>>;
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

async function routesOf(call: Call): Promise<Route[]> {
  const { paths } = (await call("GET", "/openapi.json")).body as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      return { method: method.toUpperCase(), path: path.replace(/\{\w+\}/g, "x"), operation };
    }),
  );
}

test("above the rate every route asks to wait, and nothing is taken in", async () => {
  let routes: Route[] = [];
  await withService(ENFORCING, async (call) => {
    routes = await routesOf(call);
  });
  assert.ok(routes.length > 30, `${routes.length} routes`);
  await withService(`${ENFORCING}\nhttp: { requestsPerMinute: 1 }`, async (call, { runtime }) => {
    assert.is((await call("GET", "/healthz")).status, 200);
    for (const { method, path } of routes) {
      const body = method === "GET" || method === "DELETE" ? undefined : {};
      const answer = await call(method, path, body);
      assert.is(answer.status, 429, `${method} ${path}`);
      assert.is(answer.body.code, "ERR_OVERLOADED");
      assert.ok(Number(answer.headers.get("retry-after")) > 0, `${method} ${path}`);
    }
    assert.is(runtime.profiler.instanceCount, 0);
    assert.is(runtime.ledger.count("decision"), 0);
  });
});

test("while it ends every route sends callers elsewhere, and what is under way is answered", async () => {
  await withService(ENFORCING, async (call, service) => {
    await call("PUT", "/v1/instances", registration("i1"));
    const routes = await routesOf(call);
    const events = await fetch(`${service.address}/v1/events`);
    const slow = slowBody();
    const underWay = fetch(`${service.address}/v1/samples/stream`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: slow.stream,
      duplex: "half",
    } as RequestInit);
    await slow.asked;
    const beganMs = elapsedMs();
    const closed = service.close();
    // Whoever follows is not held until the end.
    await events.text();
    for (const { method, path } of [...routes, { method: "GET", path: "/nowhere" }]) {
      const body = method === "GET" || method === "DELETE" ? undefined : {};
      const answer = await call(method, path, body);
      assert.is(answer.status, 503, `${method} ${path}`);
      assert.is(answer.body.code, "ERR_SHUTTING_DOWN", `${method} ${path}`);
      assert.match(answer.headers.get("content-type") ?? "", "application/problem+json");
      assert.is(answer.headers.get("retry-after"), "1");
      assert.is(answer.headers.get("connection"), "close");
    }
    slow.finish();
    const answer = await underWay;
    assert.is(answer.status, 200);
    assert.is(((await answer.json()) as { accepted: number }).accepted, 1);
    await closed;
    assert.ok(elapsedMs() - beganMs < 2_000, `${elapsedMs() - beganMs} ms`);
  });
});

test("a client that never ends its request does not hold the end up for long", () =>
  withService(ENFORCING, async (_call, service) => {
    const slow = slowBody();
    const options = { method: "POST", body: slow.stream, duplex: "half" };
    const headers = { "content-type": "application/x-ndjson" };
    const cut = fetch(`${service.address}/v1/samples/stream`, {
      ...options,
      headers,
    } as RequestInit).then(
      () => "answered",
      () => "cut",
    );
    await slow.asked;
    const beganMs = elapsedMs();
    await service.close();
    assert.ok(elapsedMs() - beganMs < 2_000, `${elapsedMs() - beganMs} ms`);
    assert.is(await cut, "cut");
  }));

/** A body whose end is sent when it is told to. */
function slowBody() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
      controller.enqueue(Buffer.from("\n"));
    },
  });
  const line = { instanceId: "i1", timeMs: new SystemClock().nowMs(), cpuCores: 1, memoryGiB: 1 };
  return {
    stream,
    asked: sleep(200),
    finish: () => {
      controller?.enqueue(Buffer.from(JSON.stringify(line)));
      controller?.close();
    },
  };
}

test("every route that reads says what it answers", () =>
  withService(ENFORCING, async (call) => {
    const untold = (await routesOf(call)).filter(({ method, path, operation }) => {
      const isData = method === "GET" && path.startsWith("/v1/") && path !== "/v1/events";
      return isData && operation.responses?.["200"]?.content === undefined;
    });
    assert.equal(
      untold.map(({ path }) => path),
      [],
    );
  }));

test.run();
