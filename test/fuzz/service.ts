/** The whole application against mutants of bodies: no crash, and what is refused moves nothing. */
import fc from "fast-check";
import type { LightMyRequestResponse } from "fastify";
import { compress } from "snappyjs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LEDGER_TABLES } from "../../host/ledger/ledger.js";
import { VirtualClock } from "../../host/lib/clock.js";
import { Service } from "../../host/service/serve.js";
import { configOf, ENFORCING, registration } from "../service/support.js";
import { BINARY_FIRST } from "../support/otlp-bytes.js";
import { remoteWriteMessage } from "../support/remote-write-bytes.js";
import { fuzz } from "./fuzz.js";
import { mutantBytes, mutantJson } from "./mutants.js";
import { API_ROUTES, EXTENDER_ROUTES, type Route } from "./service-seeds.js";

const NOW_MS = 1_795_000_000_000;
/** So much is accepted before it begins anew, so that the state stays small. */
const ACCEPTED_MAX = 60;

const YAML = `${ENFORCING.replaceAll("tickSeconds: 0.05", "tickSeconds: 3600")}
http: { requestsPerMinute: 600000, decisionWaitMs: 60000 }
push:
  settleSeconds: 600
  mappings:
    - { metric: container.cpu.time, instance: "{k8s.pod.name}", resource: cpu, kind: counter }
`;

/** Everything that a request may move. */
function stateOf({ runtime }: Service): string {
  const { ledger, profiler, allocator } = runtime;
  const ids = [...profiler.instanceIds()].sort();
  const state = [
    LEDGER_TABLES.map((table) => [...ledger.entries(table)]),
    ids.map((id) => [profiler.registration(id), profiler.isRunning(id), runtime.usageOf(id)]),
    profiler.pendingSampleCount,
    [...allocator.nodeIds()].map((id) => allocator.pool("node", id)),
    runtime.events.since(0).length,
  ];
  return JSON.stringify(state);
}

/** Where two states part. */
function partingOf(before: string, after: string): string {
  let at = 0;
  while (before[at] === after[at]) at++;
  return `${before.slice(at - 100, at + 100)} -> ${after.slice(at - 20, at + 100)}`;
}

/** One service at a time, opened anew when it has taken in enough. */
class Target {
  #service: Service | undefined;
  #accepted = 0;
  #state = "";

  async send(route: Pick<Route, "method" | "url">, payload: Buffer, type: string): Promise<void> {
    const service = await this.#open();
    const { method, url } = route;
    const answer = await service.app.inject({
      ...{ method, url, payload, headers: { "content-type": type } },
    });
    // What an act leaves to the next turn is done before anything is compared.
    if (answer.statusCode < 400) await service.runtime.tick();
    this.#check(service, url, answer);
  }

  async close(): Promise<void> {
    await this.#service?.close();
    this.#service = undefined;
  }

  async #open(): Promise<Service> {
    if (this.#service !== undefined && this.#accepted < ACCEPTED_MAX) return this.#service;
    await this.close();
    const clock = new VirtualClock(NOW_MS);
    const service = await Service.open({ config: configOf(YAML), version: "test", clock });
    for (const id of ["a", "b", "cart-0"]) {
      await service.app.inject({ method: "PUT", url: "/v1/instances", payload: registration(id) });
    }
    this.#service = service;
    this.#accepted = 0;
    this.#state = stateOf(service);
    return service;
  }

  #check(service: Service, url: string, { statusCode, body, headers }: LightMyRequestResponse) {
    assert.ok(statusCode < 500, `${url}: ${statusCode} ${body}`);
    assert.is(({} as { polluted?: unknown }).polluted, undefined);
    const state = stateOf(service);
    if (statusCode < 400) {
      if (state !== this.#state) this.#accepted++;
      this.#state = state;
      service.runtime.allocator.checkInvariants();
      return;
    }
    assert.match(String(headers["content-type"]), /^application\/problem\+json/);
    assert.match(body, /"code":"ERR_[A-Z_]+"/);
    if (state === this.#state) return;
    const moved = `${url}: refused with ${statusCode} and yet it moved: ${body}`;
    throw new Error(`${moved}\n${partingOf(this.#state, state)}`);
  }

  /** How often the extender hid a failure behind its answer. */
  async hiddenFailures(): Promise<number> {
    const metric = this.#service?.metrics.registry.getSingleMetric("reprise_extender_total");
    const { values = [] } = (await metric?.get()) ?? {};
    const failed = values.filter(({ labels }) => labels.outcome === "failed");
    return failed.reduce((sum, { value }) => sum + value, 0);
  }
}

type Sent = readonly [Pick<Route, "method" | "url">, Buffer];

const mutantsOf = (routes: readonly Route[]): fc.Arbitrary<Sent> =>
  fc.oneof(...routes.map((route) => mutantJson(route.seeds).map((body): Sent => [route, body])));

export function serviceTests(runs: number) {
  const test = suite("mutants of bodies");
  const target = new Target();
  const json = "application/json";
  test.after(() => target.close());

  test("JSON of every route", () =>
    fuzz(runs, mutantsOf(API_ROUTES), ([route, body]) => target.send(route, body, json)));

  test("what kube-scheduler sends", () =>
    fuzz(runs, mutantsOf(EXTENDER_ROUTES), async ([route, body]) => {
      await target.send(route, body, json);
      assert.is(await target.hiddenFailures(), 0);
    }));

  const labels = { __name__: "container.cpu.time", "k8s.pod.name": "cart-0" };
  const written = remoteWriteMessage([{ labels, samples: [[NOW_MS, 2.5]] }]);
  const pushed = fc.oneof(
    mutantBytes([written]).map((bytes): Sent => [post("/v1/remote-write"), packed(bytes)]),
    mutantBytes([Buffer.from(BINARY_FIRST, "base64")]).map((bytes): Sent => {
      return [post("/v1/metrics"), bytes];
    }),
  );
  test("what Prometheus and OpenTelemetry push", () =>
    fuzz(runs, pushed, ([route, body]) => target.send(route, body, "application/x-protobuf")));
  return test;
}

const post = (url: string) => ({ method: "POST", url }) as const;
const packed = (bytes: Buffer) => Buffer.from(compress(bytes));
