/** Metrics pushed in over HTTP: recorded ones, broken ones, and those of a real Prometheus. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SystemClock } from "../../host/lib/clock.js";
import { eventually } from "../support/fake-cgroup.js";
import { BINARY_FIRST, BINARY_SECOND, ZIPPED_JSON } from "../support/otlp-bytes.js";
import { remoteWriteBytes } from "../support/remote-write-bytes.js";
import { ENFORCING, registration, withFolder, withService } from "./support.js";

const clock = new SystemClock();
const PROTOBUF = "application/x-protobuf";

const YAML = `${ENFORCING}
push:
  windowSeconds: 1
  settleSeconds: 0.2
  mappings:
    - { metric: container.cpu.time, instance: "{k8s.pod.name}", resource: cpu, kind: counter }
    - metric: container.memory.usage
      instance: "{k8s.pod.name}"
      resource: memory
      scale: ${2 ** -30}
    - { metric: up_cores, instance: "{pod}", resource: cpu }
    - metric: reprise_process_cpu_seconds_total
      instance: "{job}"
      resource: cpu
      kind: counter
    - metric: reprise_process_resident_memory_bytes
      instance: "{job}"
      resource: memory
      scale: ${2 ** -30}
`;

function push(address: string, path: string, body: Uint8Array, headers: Record<string, string>) {
  return fetch(`${address}/v1/${path}`, { method: "POST", body: Buffer.from(body), headers });
}

const bytes = (text: string) => Buffer.from(text, "base64");

test("OpenTelemetry in both encodings becomes samples of the instance it names", () =>
  withService(YAML, async (call, { address, runtime }) => {
    await call("PUT", "/v1/instances", registration("cart-0"));
    const type = { "content-type": PROTOBUF };
    for (const body of [BINARY_FIRST, BINARY_SECOND]) {
      const answer = await push(address, "metrics", bytes(body), type);
      assert.is(answer.status, 200);
      assert.is(answer.headers.get("content-type"), PROTOBUF);
      assert.is((await answer.arrayBuffer()).byteLength, 0);
    }
    assert.ok(await eventually(() => runtime.usageOf("cart-0")?.[1] === 1.5));
    const zipped = { "content-type": "application/json", "content-encoding": "gzip" };
    const answer = await push(address, "metrics", bytes(ZIPPED_JSON), zipped);
    assert.is(answer.status, 200);
    assert.equal(await answer.json(), {});
    const { text } = (await call("GET", "/metrics")).body as { text: string };
    assert.match(text, /reprise_samples_total\{outcome="accepted"\} \d/);
  }));

test("remote-write: taken in, broken, too large, too late", async () => {
  let address = "";
  const type = { "content-type": PROTOBUF, "content-encoding": "snappy" };
  const labels = { __name__: "up_cores", pod: "a" };
  await withService(`${YAML}http: { bodyBytesMax: 4096 }`, async (call, service) => {
    address = service.address;
    await call("PUT", "/v1/instances", registration("a"));
    const timeMs = clock.nowMs();
    const good = remoteWriteBytes([
      { labels, samples: [[timeMs, 2.5]] },
      { labels: { ...labels, pod: "stranger" }, samples: [[timeMs, 1]] },
      { labels: { ...labels, __name__: "other" }, samples: [[timeMs, 1]] },
    ]);
    assert.is((await push(address, "remote-write", good, type)).status, 204);
    assert.ok(await eventually(() => service.runtime.usageOf("a")?.[0] === 2.5));
    const broken = await push(address, "remote-write", Buffer.from("hello"), type);
    assert.is(broken.status, 400);
    assert.is(((await broken.json()) as { code: string }).code, "ERR_TRACE_FORMAT");
    assert.is((await push(address, "remote-write", Buffer.alloc(5_000), type)).status, 413);
    const bomb = remoteWriteBytes([{ labels: { x: "y".repeat(60_000) }, samples: [] }]);
    assert.ok(bomb.byteLength < 4_096, `${bomb.byteLength}`);
    assert.is((await push(address, "remote-write", bomb, type)).status, 400);
    const other = { "content-type": "text/plain" };
    assert.is((await push(address, "remote-write", good, other)).status, 415);
    const { text } = (await call("GET", "/metrics")).body as { text: string };
    assert.match(text, 'reprise_samples_total{outcome="not-mapped"} 1');
    assert.match(text, /reprise_samples_total\{outcome="unknown-\w+"\} 1/);
  });
  await push(address, "remote-write", Buffer.alloc(0), type).then(
    ({ status }) => assert.is(status, 503),
    (error: unknown) => assert.instance(error, TypeError),
  );
});

const hasPrometheus = spawnSync("prometheus", ["--version"]).status === 0;
if (!hasPrometheus)
  console.log("skipped: no prometheus is installed (Debian: apt install prometheus)");

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await over;
}

(hasPrometheus ? test : test.skip)("a real Prometheus pushes what it scraped here", () =>
  withFolder((folder) =>
    withService(YAML, async (call, { address, runtime }) => {
      await call("PUT", "/v1/instances", registration("self"));
      const file = join(folder, "prometheus.yml");
      writeFileSync(
        file,
        `global: { scrape_interval: 500ms }
scrape_configs:
  - { job_name: self, static_configs: [{ targets: ["${new URL(address).host}"] }] }
remote_write:
  - { url: "${address}/v1/remote-write", queue_config: { batch_send_deadline: 500ms } }
`,
      );
      const where = [`--config.file=${file}`, `--storage.tsdb.path=${folder}/data`];
      const args = [...where, "--web.listen-address=127.0.0.1:0"];
      const child = spawn("prometheus", args, { stdio: "ignore" });
      try {
        const isKnown = () => {
          const [cores = 0, memoryGiB = 0] = runtime.usageOf("self") ?? [];
          return cores > 0 && memoryGiB > 0.02 && memoryGiB < 4;
        };
        assert.ok(await eventually(isKnown, 400), `${runtime.usageOf("self")}`);
      } finally {
        await ended(child);
      }
    }),
  ),
);

test.run();
