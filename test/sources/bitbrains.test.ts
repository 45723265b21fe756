import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isRepriseError, type RepriseError } from "../../host/lib/errors.js";
import {
  readBitbrains,
  readBitbrainsBytes,
} from "../../host/sources/bitbrains/bitbrains-source.js";
import { BITBRAINS_COLUMNS, type BitbrainsRow } from "../../host/sources/bitbrains/row.js";
import { isHeldOut } from "../../host/sources/bitbrains/split.js";
import { readPreemptions } from "../../host/sources/gcp/preemptions.js";
import type { SourceEvent } from "../../host/sources/sample.js";
import { readSpotTrace } from "../../host/sources/skypilot/spot-source.js";
import { thrownBy } from "../support/thrown.js";

const test = suite("bitbrains reader");
const HEADER = BITBRAINS_COLUMNS.join(";");
const LINE = "1372629804;2;5852;87.8;1.5;8218624;1034593;160.9;21.7;0.3;1.5";

function line(seconds: number | string, change: Partial<Record<number, string>> = {}): string {
  const fields = LINE.split(";");
  fields[0] = `${seconds}`;
  for (const [field, text] of Object.entries(change)) fields[Number(field)] = text ?? "";
  return fields.join(";");
}

function source(text: string | Uint8Array, cuts: readonly number[] = []) {
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  const chunks: Uint8Array[] = [];
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const at = Math.min(cut, bytes.byteLength);
    chunks.push(bytes.subarray(from, at));
    from = at;
  }
  chunks.push(bytes.subarray(from));
  return readBitbrainsBytes(chunks, { file: "vm.csv", instanceId: "vm" });
}

async function rowsOf(text: string | Uint8Array, cuts: readonly number[] = []) {
  const reader = source(text, cuts);
  const rows: BitbrainsRow[] = [];
  for await (const batch of reader.rows()) rows.push(...batch);
  return { rows, dropped: Object.fromEntries(reader.dropped) };
}

async function eventsOf(text: string): Promise<SourceEvent[]> {
  const events: SourceEvent[] = [];
  for await (const event of source(text)) events.push(event);
  return events;
}

async function failure(text: string | Uint8Array): Promise<RepriseError> {
  try {
    await rowsOf(text);
  } catch (error) {
    assert.ok(isRepriseError(error), `${error}`);
    return error as RepriseError;
  }
  return assert.unreachable("no error") as never;
}

test("converts the units of the trace", async () => {
  const { rows, dropped } = await rowsOf(`${HEADER}\n${LINE}\n`);
  assert.equal(dropped, {});
  assert.equal(rows.length, 1);
  assert.equal(rows[0], {
    timeMs: 1372629804000,
    on: true,
    cpuCores: 87.8 / 2926,
    memoryGiB: 1034593 / 1048576,
    networkMbps: ((0.3 + 1.5) * 8) / 1000,
    diskMBps: (160.9 + 21.7) / 1000,
    cores: 2,
    memoryCapacityGiB: 8218624 / 1048576,
  });
});

test("accepts carriage returns, a byte order mark, blanks and a missing last line break", async () => {
  const spaced = LINE.split(";").join(";\t");
  const header = BITBRAINS_COLUMNS.join(";\t");
  const { rows } = await rowsOf(`\ufeff${header}\r\n${spaced}\r\n\r\n${line(1372630104)}`);
  assert.equal(
    rows.map((row) => row.cpuCores),
    [87.8 / 2926, 87.8 / 2926],
  );
});

test("yields the power cycle of a VM and no samples while it is off", async () => {
  const off = { 1: "0", 2: "0", 3: "0", 4: "0", 5: "0", 6: "0", 7: "0", 8: "0", 9: "0", 10: "0" };
  const text = [
    HEADER,
    line(1000, off),
    line(1300),
    line(1600, off),
    line(1900, off),
    line(2500, { 5: "8388608" }),
  ].join("\n");
  const events = await eventsOf(text);
  assert.equal(
    events.map((event) =>
      event.kind === "sample" ? `sample ${event.sample.timeMs}` : `${event.kind} ${event.timeMs}`,
    ),
    [
      "registered 1000000",
      "restarted 1000000",
      "sample 1300000",
      "stopped 1600000",
      "registered 2200000",
      "restarted 2200000",
      "sample 2500000",
    ],
  );
  const last = events[4];
  assert.equal(last?.kind === "registered" ? last.registration.limits : null, {
    cpu: 2,
    memory: 8,
  });
});

test("reads a real power-on, whose capacity was zero before", async () => {
  const file = new URL("../../../../test/data/bitbrains_rnd/series/rnd_82.csv.gz", import.meta.url);
  const events: SourceEvent[] = [];
  const reader = readBitbrains(fileURLToPath(file), { instanceId: "rnd_82" });
  for await (const event of reader) events.push(event);
  assert.equal([...reader.dropped], []);
  assert.equal(
    events.slice(0, 3).map((event) => event.kind),
    ["registered", "restarted", "sample"],
  );
  assert.is(events.filter((event) => event.kind === "sample").length, 144);
  const first = events[2];
  assert.is(first?.kind === "sample" ? first.sample.timeMs : 0, 1378103920000);
});

test("a missing value is absent, a missing capacity is not a zero one", async () => {
  const { rows, dropped } = await rowsOf(
    [HEADER, line(1000, { 6: "" }), line(1300, { 2: " " }), line(1600, { 2: "0" })].join("\n"),
  );
  assert.equal(dropped, {});
  assert.ok(Number.isNaN(rows[0]?.memoryGiB));
  assert.equal(
    rows.map((row) => [row.on, Number.isNaN(row.cpuCores)]),
    [
      [true, false],
      [true, true],
      [false, true],
    ],
  );
  const events = await eventsOf([HEADER, line(1000, { 6: "" })].join("\n"));
  const sample = events[1];
  assert.ok(sample?.kind === "sample" && !("memoryGiB" in sample.sample));
});

test("counts and drops bad samples and goes on", async () => {
  const text = [
    HEADER,
    line(1000),
    line(1000),
    line(700),
    line(1300, { 3: "-1" }),
    line(1300, { 6: "NaN" }),
    line(1300, { 7: "Infinity" }),
    line(1300, { 1: "1e30" }),
    line("9372629804"),
    line(1300),
  ].join("\n");
  const { rows, dropped } = await rowsOf(text);
  assert.equal(
    rows.map((row) => row.timeMs),
    [1000000, 1300000],
  );
  assert.equal(dropped, { duplicate: 1, backwards: 1, negative: 1, nan: 1, absurd: 3 });
});

test("passes over what lies before a time", async () => {
  const text = [HEADER, line(1000, { 3: "-1" }), line(1300), line(1600), line(1600)].join("\n");
  const options = { file: "vm.csv", instanceId: "vm", afterMs: 1_300_000 };
  const reader = readBitbrainsBytes([Buffer.from(text)], options);
  const rows: BitbrainsRow[] = [];
  for await (const batch of reader.rows()) rows.push(...batch);
  assert.equal(
    rows.map((row) => row.timeMs),
    [1_600_000],
  );
  assert.equal([...reader.dropped], [["duplicate", 1]]);
});

test("names file, line, field, got and expected when the structure is wrong", async () => {
  const text = await failure([HEADER, LINE, line(1372630104, { 6: "lots" })].join("\n"));
  assert.is(text.code, "ERR_TRACE_FORMAT");
  assert.equal(text.context, {
    file: "vm.csv",
    line: 3,
    field: "Memory usage [KB]",
    got: "lots",
    expected: "a number",
  });
  const short = await failure(`${HEADER}\n1;2;3\n`);
  assert.equal([short.context.line, short.context.got, short.context.expected], [2, 3, "11"]);
  const long = await failure(`${HEADER}\n${LINE};1\n`);
  assert.is(long.context.got, 12);
  const header = await failure(`${HEADER.replace("CPU usage [MHZ]", "CPU usage")}\n${LINE}\n`);
  assert.equal([header.context.line, header.context.field], [1, "4"]);
  assert.is((await failure(LINE)).code, "ERR_TRACE_FORMAT");
  assert.is((await failure("")).message.includes("empty"), true);
  assert.is((await failure(`${HEADER}\n${"1".repeat(70_000)}`)).context.line, 2);
  assert.match((await failure(`${HEADER}\n${line("")}`)).message, /a time in seconds/);
});

test("reads gzip by its first bytes and refuses a damaged one", async () => {
  const text = [HEADER, ...Array.from({ length: 500 }, (_, i) => line(1000 + 300 * i))].join("\n");
  const packed = gzipSync(text);
  assert.is((await rowsOf(packed)).rows.length, 500);
  assert.is((await rowsOf(packed, [1, 2, 3, 11])).rows.length, 500);
  const cut = await failure(packed.subarray(0, packed.byteLength - 20));
  assert.is(cut.code, "ERR_TRACE_FORMAT");
  assert.match(cut.message, /gzip/);
  assert.is((await failure(packed.subarray(0, 2))).code, "ERR_TRACE_FORMAT");
});

test("reads files, stops early without a fuss, and reports one that is not there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-"));
  try {
    const file = join(folder, "vm.csv.gz");
    const lines = Array.from({ length: 40_000 }, (_, i) => line(1000 + 300 * i));
    writeFileSync(file, gzipSync([HEADER, ...lines].join("\n")));
    const reader = readBitbrains(file, { instanceId: "vm" });
    for await (const event of reader) if (event.kind === "sample") break;
    let count = 0;
    for await (const batch of reader.rows()) count += batch.length;
    assert.is(count, 40_000);
    try {
      for await (const _ of readBitbrains(`${file}.none`, { instanceId: "vm" })) break;
      assert.unreachable();
    } catch (error) {
      assert.is((error as RepriseError).code, "ERR_ARGUMENT");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("rows do not depend on where the chunks are cut", async () => {
  const text = [HEADER, ...Array.from({ length: 20 }, (_, i) => line(1000 + 300 * i))].join("\r\n");
  const whole = await rowsOf(text);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 40 }), async (cuts) => {
      assert.equal(await rowsOf(text, cuts), whole);
    }),
    { numRuns: 100 },
  );
});

test("reads every decimal as Number does", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.double({ min: 0, max: 1e8, noNaN: true }).map(String),
        fc.tuple(fc.nat(), fc.nat(99)).map(([a, b]) => `${a}.${b}`),
        fc.constantFrom("+1", "1.", ".5", "1e3", "0001.50", "123456789012345.6789"),
      ),
      async (text) => {
        const { rows } = await rowsOf([HEADER, line(1000, { 3: "0", 7: text, 8: "0" })].join("\n"));
        const value = Number(text);
        if (value <= 1e9) assert.is(rows[0]?.diskMBps, value / 1000);
        else assert.is(rows.length, 0);
      },
    ),
    { numRuns: 200 },
  );
});

test("random damage gives a typed error or counted drops", async () => {
  const plain = Buffer.from(
    [HEADER, ...Array.from({ length: 30 }, (_, i) => line(1372629804 + 300 * i))].join("\n"),
  );
  const packed = gzipSync(plain);
  const hit = fc.tuple(fc.nat(1 << 16), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(hit, { minLength: 1, maxLength: 6 }),
      async (zip, hits) => {
        const bytes = Buffer.from(zip ? packed : plain);
        for (const [at, value] of hits) bytes[at % bytes.byteLength] = value;
        try {
          const { rows, dropped } = await rowsOf(bytes);
          const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
          assert.ok(rows.length + lost <= 40);
          let last = -Infinity;
          for (const row of rows) {
            assert.ok(row.timeMs > last);
            last = row.timeMs;
            for (const value of [row.cpuCores, row.memoryGiB, row.networkMbps, row.diskMBps]) {
              assert.ok(Number.isNaN(value) || (value >= 0 && value < Infinity));
            }
          }
        } catch (error) {
          assert.ok(isRepriseError(error), `${error}`);
          assert.is((error as RepriseError).code, "ERR_TRACE_FORMAT");
        }
      },
    ),
    { numRuns: 400 },
  );
});

test("keeps one VM in five from training", () => {
  const names = Array.from({ length: 500 }, (_, index) => `rnd_${index + 1}`);
  const held = names.filter(isHeldOut);
  assert.ok(held.length > 75 && held.length < 125, `${held.length}`);
  // Published FNV-1a values: "a" 0xe40c292c, "b" 0xe70c2de5, "foobar" 0xbf9cf968.
  assert.equal(["a", "b", "foobar"].map(isHeldOut), [true, false, true]);
  assert.equal([0xe40c292c % 5, 0xe70c2de5 % 5, 0xbf9cf968 % 5], [0, 2, 0]);
});

test("a reader without a file or without options is a typed error", () => {
  const none = undefined as never;
  const calls = [
    () => readBitbrains(none, { instanceId: "vm" }),
    () => readBitbrains("", { instanceId: "vm" }),
    () => readBitbrains("vm.csv", none),
    () => readSpotTrace(none),
    () => readPreemptions(none),
    () => readSpotTrace({} as never),
  ];
  for (const call of calls) assert.is(thrownBy(call).code, "ERR_ARGUMENT");
});

test.run();
