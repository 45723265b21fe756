/** Pushed metrics: the readers against real bytes and broken ones, the board against arithmetic. */
import { gunzipSync } from "node:zlib";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { compress } from "snappyjs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isRepriseError } from "../../host/lib/errors.js";
import type { PushMapping } from "../../host/sources/push/mapping.js";
import { readOtlpBinary } from "../../host/sources/push/otlp-binary.js";
import { readOtlpJson } from "../../host/sources/push/otlp-json.js";
import { LABELS_MAX, type MetricPoint } from "../../host/sources/push/points.js";
import { PushBoard } from "../../host/sources/push/push-board.js";
import { readRemoteWrite } from "../../host/sources/push/remote-write.js";
import { BINARY_FIRST, BINARY_SECOND, ZIPPED_JSON } from "../support/otlp-bytes.js";
import { remoteWriteBytes } from "../support/remote-write-bytes.js";
import { thrownBy } from "../support/thrown.js";

const bytes = (text: string) => Buffer.from(text, "base64");
const MIB = 2 ** 20;

function mapping(more: Partial<PushMapping> = {}): PushMapping {
  const rest = { match: {}, instance: "{pod}", resource: "cpu", scale: 1, kind: "gauge" } as const;
  return { metric: "m", ...rest, ...more };
}

function board(...mappings: PushMapping[]): PushBoard {
  return new PushBoard({ mappings, windowMs: 60_000, settleMs: 5_000, seriesMax: 100 });
}

function point(timeMs: number, value: number, more: Record<string, string> = {}): MetricPoint {
  const { name = "m", ...labels } = more;
  return { name, labels: new Map(Object.entries({ pod: "a", ...labels })), timeMs, value };
}

test("what real exporters send is read", () => {
  const first = readOtlpBinary(bytes(BINARY_FIRST));
  const second = readOtlpBinary(bytes(BINARY_SECOND));
  assert.equal(
    first.map(({ name, value }) => [name, value]),
    [
      ["container.cpu.time", 10],
      ["container.cpu.time", 2],
      ["container.memory.usage", 1.5 * 2 ** 30],
    ],
  );
  assert.equal(
    second.map(({ value }) => value),
    [10.5, 2.25, 1.5 * 2 ** 30],
  );
  assert.is(first[0]?.labels.get("k8s.pod.name"), "cart-0");
  assert.is(first[1]?.labels.get("state"), "system");
  assert.is(first[0]?.sinceMs, undefined, "a cumulative sum");
  const deltas = readOtlpJson(gunzipSync(bytes(ZIPPED_JSON)));
  assert.equal(
    deltas.map(({ value }) => value),
    [0.5, 0.25, 1.5 * 2 ** 30],
  );
  assert.is(deltas[0]?.labels.get("k8s.pod.name"), "cart-0");
  assert.is((deltas[0]?.timeMs ?? 0) - (deltas[0]?.sinceMs ?? 0), 1_123, "since the last export");
});

test("the series of a process add up to the same rate, as sums and as deltas", () => {
  const of = { metric: "container.cpu.time", instance: "{k8s.namespace.name}/{k8s.pod.name}" };
  const cumulative = board(mapping({ ...of, kind: "counter" }));
  const first = readOtlpBinary(bytes(BINARY_FIRST));
  const second = readOtlpBinary(bytes(BINARY_SECOND));
  assert.equal(cumulative.take(first, 0), { "not-mapped": 1 });
  cumulative.take(second, 0);
  const [sample] = cumulative.due(5_000);
  const seconds = ((second[0]?.timeMs ?? 0) - (first[0]?.timeMs ?? 0)) / 1_000;
  assert.is(sample?.instanceId, "shop/cart-0");
  assert.ok(Math.abs((sample?.cpuCores ?? 0) - 0.75 / seconds) < 1e-9);
  const deltas = board(mapping({ ...of, kind: "counter" }));
  deltas.take(readOtlpJson(gunzipSync(bytes(ZIPPED_JSON))), 0);
  assert.ok(Math.abs((deltas.due(5_000)[0]?.cpuCores ?? 0) - 0.75 / 1.123) < 1e-9);
});

test("a window is one sample: series add up, points of one series are averaged", () => {
  const it = board(
    mapping({ metric: "rx", resource: "network", scale: 8e-6, kind: "counter" }),
    mapping({ metric: "tx", resource: "network", scale: 8e-6, kind: "counter" }),
    mapping({ metric: "mem", resource: "memory", scale: 2 ** -30, match: { id: "main" } }),
  );
  for (let n = 0; n <= 3; n++) {
    const timeMs = 600_000 + n * 20_000;
    const points = [
      point(timeMs, n * 20e6, { name: "rx" }),
      point(timeMs, n * 40e6, { name: "tx" }),
      point(timeMs, (n + 1) * 2 ** 30, { name: "mem", id: "main" }),
      point(timeMs, 9e9, { name: "mem", id: "sidecar" }),
    ];
    assert.equal(it.take(points, timeMs), { "not-mapped": 1 });
  }
  assert.equal(it.due(660_000 - 15_001), [], "the first window was touched a moment ago");
  const [sample, ...more] = it.due(660_000 - 15_000);
  assert.equal(more, [], "the second goes on");
  assert.equal(sample, { instanceId: "a", timeMs: 640_000, networkMbps: 24, memoryGiB: 2 });
  assert.equal(it.take([point(650_000, 1, { name: "mem", id: "main" })], 660_000), { late: 1 });
});

test("a counter that began anew counts from zero; one that is over is forgotten", () => {
  const it = board(mapping({ kind: "counter" }));
  const rates = [
    [60_000, 100],
    [120_000, 160],
    [180_000, 30],
    [240_000, Number.NaN],
    [300_000, 50],
    [300_000, 60],
  ].map(([timeMs = 0, value = 0]) => {
    const leftOut = it.take([point(timeMs, value)], timeMs);
    const [sample] = it.due(timeMs + 5_000);
    return sample?.cpuCores ?? Object.keys(leftOut)[0];
  });
  assert.equal(rates, [undefined, 1, 0.5, "no-number", undefined, "late"]);
});

test("neither series nor instances nor windows grow without end", () => {
  const it = board(mapping({ kind: "counter" }), mapping({ metric: "g" }));
  const many = Array.from({ length: 150 }, (_, n) => point(60_000, 1, { pod: `p${n}` }));
  assert.equal(it.take(many, 0), { "series-limit": 50 });
  const others = Array.from({ length: 150 }, (_, n) =>
    point(60_000, 1, { name: "g", pod: `q${n}` }),
  );
  assert.equal(it.take(others, 0), { "series-limit": 50 });
  const windows = board(mapping());
  windows.take(
    Array.from({ length: 100 }, (_, n) => point((n + 1) * 60_000, n)),
    0,
  );
  const early = windows.due(0);
  assert.is(early.length, 36, "all but 64");
  assert.equal(
    early.map(({ cpuCores }) => cpuCores),
    Array.from({ length: 36 }, (_, n) => n),
  );
});

test("in whatever order series and instances come in, the samples are the same", () => {
  const entry = fc.record({
    pod: fc.constantFrom("a", "b", "c"),
    core: fc.constantFrom("0", "1"),
    minute: fc.integer({ min: 1, max: 6 }),
    value: fc.integer({ min: 0, max: 1_000 }),
  });
  const entries = fc.array(entry, { maxLength: 40 });
  const shuffled = entries.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );
  fc.assert(
    fc.property(shuffled, ([inOrder, mixed]) => {
      const samplesOf = (all: typeof inOrder) => {
        const it = board(mapping());
        for (const { pod, core, minute, value } of all) {
          it.take([point(minute * 60_000, value, { pod, core })], 0);
        }
        const sorted = it.due(5_000).map((sample) => JSON.stringify(Object.entries(sample).sort()));
        return sorted.sort();
      };
      assert.equal(samplesOf(mixed), samplesOf(inOrder));
    }),
    { numRuns: 100 },
  );
});

test("remote-write: what was written is read; fields of later versions are passed over", () => {
  const series = [
    {
      labels: { __name__: "m", pod: "a" },
      samples: [
        [1_000, 1.5],
        [2_000, -0],
      ] as const,
    },
    { labels: { pod: "nameless" }, samples: [[1_000, 1]] as const },
  ];
  const points = readRemoteWrite(remoteWriteBytes(series), MIB);
  assert.equal(
    points.map(({ name, timeMs, value }) => [name, timeMs, value]),
    [
      ["m", 1_000, 1.5],
      ["m", 2_000, -0],
    ],
  );
  const labels = Object.fromEntries(
    Array.from({ length: LABELS_MAX + 1 }, (_, n) => [`l${n}`, "x"]),
  );
  const wide = remoteWriteBytes([{ labels, samples: [] }]);
  assert.is(thrownBy(() => readRemoteWrite(wide, MIB)).code, "ERR_TRACE_FORMAT");
  const large = compress(new Uint8Array(2 * MIB));
  assert.is(thrownBy(() => readRemoteWrite(large, MIB)).code, "ERR_TRACE_FORMAT");
  const later = new BinaryWriter()
    .uint32((99 << 3) | 0)
    .uint32(7)
    .finish();
  assert.equal(readRemoteWrite(compress(later), MIB), []);
});

test("broken bytes are refused with a code or read, never anything else", () => {
  const good = remoteWriteBytes([{ labels: { __name__: "m", pod: "a" }, samples: [[1_000, 1]] }]);
  const readers: [Uint8Array, (body: Uint8Array) => unknown][] = [
    [good, (body) => readRemoteWrite(body, MIB)],
    [bytes(BINARY_FIRST), readOtlpBinary],
    [gunzipSync(bytes(ZIPPED_JSON)), readOtlpJson],
  ];
  const change = fc.tuple(fc.nat(10_000), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(600), (changes, cut) => {
      for (const [whole, read] of readers) {
        const body = Uint8Array.from(whole);
        for (const [at, value] of changes) body[at % body.length] = value;
        try {
          read(cut > body.length ? body : body.subarray(0, cut));
        } catch (error) {
          assert.ok(isRepriseError(error) && error.code === "ERR_TRACE_FORMAT", String(error));
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

test.run();
