/** What holds for every route of the API, as its own description lists them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Call, ENFORCING, withService } from "./support.js";

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
