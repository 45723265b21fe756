import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isRepriseError, type RepriseError } from "../../host/lib/errors.js";
import { readPreemptions } from "../../host/sources/gcp/preemptions.js";
import { readEvictions } from "../../host/sources/google2011/evictions.js";
import { readMachineEvents } from "../../host/sources/google2011/machine-events.js";
import { readTaskEvents } from "../../host/sources/google2011/task-events.js";
import { readSpotTrace } from "../../host/sources/skypilot/spot-source.js";
import type { TraceInput } from "../../host/sources/text/table-source.js";

const test = suite("event readers");
const data = (name: string) =>
  fileURLToPath(new URL(`../../../../test/data/${name}`, import.meta.url));
const TASKS = data("google2011/task_events.csv.gz");
const MACHINES = data("google2011/machine_events.csv.gz");
const LIVES = data("preemptions.csv");
const SPOT = data("spot_skypilot/preemption/4-node/aws-08-03-2023/us-east-1f_v100_1.json.gz");

const text = (value: string | Uint8Array, cuts: readonly number[] = []): TraceInput => {
  const bytes = Buffer.from(value);
  const points = [0, ...[...cuts].map((cut) => cut % (bytes.byteLength + 1)), bytes.byteLength];
  points.sort((a, b) => a - b);
  const chunks = points.slice(1).map((to, index) => bytes.subarray(points[index], to));
  return { name: "trace", chunks };
};

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of source) found.push(item);
  return found;
}

async function failure(source: AsyncIterable<unknown>): Promise<RepriseError> {
  try {
    await all(source);
  } catch (error) {
    assert.ok(isRepriseError(error), `${error}`);
    return error as RepriseError;
  }
  return assert.unreachable("no error") as never;
}

const TASK_HEADER =
  "time,missing info,job ID,task index,machine ID,event type,user,scheduling class,priority," +
  "CPU request,memory request,disk space request,different machines restriction";

test("refuses a long run of digits that is no number as fast as any", async () => {
  const header = "time,machine ID,event type,platform ID,CPUs,Memory";
  const line = `${"1".repeat(60_000)}!,5,0,x,0.5,0.5`;
  const before = process.cpuUsage();
  const { code, message } = await failure(readMachineEvents(text(`${header}\n${line}\n`)));
  const { user } = process.cpuUsage(before);
  assert.is(code, "ERR_TRACE_FORMAT");
  assert.match(message, "field time");
  // Each way to split the run tried took 9 s.
  assert.ok(user < 1e6, `${user / 1e3} ms`);
});

test("reads Google's task events with what is missing left out", async () => {
  const events = await all(
    readTaskEvents(
      text(`${TASK_HEADER}\n0,2,34,0,,0,u,3,9,,,,\n600026907,,38,7,39,1,u,3,2,0.125,0.07446,0,0\n`),
    ),
  );
  assert.equal(events, [
    { kind: "submit", timeMs: 0, taskId: "34/0", machineId: null, priority: 9 },
    {
      kind: "schedule",
      timeMs: 600026.907,
      taskId: "38/7",
      machineId: "39",
      priority: 2,
      cpuRequest: 0.125,
      memoryRequest: 0.07446,
      diskRequest: 0,
    },
  ]);
});

test("finds each eviction's restart delay", async () => {
  const lines = [
    "10,,1,0,5,1,u,0,0,,,,",
    "20,,1,0,5,2,u,0,0,,,,",
    "20,,1,1,6,2,u,0,4,,,,",
    "30,,1,0,,0,u,0,0,,,,",
    "3020,,1,0,7,1,u,0,0,,,,",
    "4000,,1,0,7,4,u,0,0,,,,",
  ];
  const found = await all(readEvictions(text([TASK_HEADER, ...lines].join("\n"))));
  assert.equal(found, [
    {
      taskId: "1/0",
      priority: 0,
      machineId: "5",
      evictedMs: 0.02,
      restartDelayMs: 3,
      restartMachineId: "7",
    },
    {
      taskId: "1/1",
      priority: 4,
      machineId: "6",
      evictedMs: 0.02,
      restartDelayMs: null,
      restartMachineId: null,
    },
  ]);
  const real = await all(readEvictions(TASKS));
  assert.ok(real.length >= 30);
  assert.ok(real.filter((eviction) => eviction.restartDelayMs !== null).length >= 25);
});

test("drops bad task events by reason and refuses bad structure", async () => {
  const lines = [
    "10,,1,0,5,1,u,0,0,,,,",
    "10,,1,0,5,1,u,0,0,,,,",
    "9,,1,0,5,2,u,0,0,,,,",
    "-1,,1,0,5,2,u,0,0,,,,",
    "NaN,,1,0,5,2,u,0,0,,,,",
    "20,,1,0,5,2,u,0,0,2,,,",
    "20,,1,0,5,2,u,0,0,-0.5,,,",
    "20,,1,0,5,2,u,0,0,nan,,,",
    "20,,1,0,5,2,u,0,-3,,,,",
    "9223372036854775807,,1,0,5,4,u,0,0,,,,",
    "20,,1,0,5,2,u,0,0,,,,",
  ];
  const source = readTaskEvents(text([TASK_HEADER, ...lines].join("\n")));
  assert.is((await all(source)).length, 2);
  assert.equal(Object.fromEntries(source.dropped), {
    duplicate: 1,
    backwards: 1,
    negative: 3,
    nan: 2,
    absurd: 1,
    "after-the-trace": 1,
  });
  const kind = await failure(readTaskEvents(text(`${TASK_HEADER}\n10,,1,0,5,9,u,0,0,,,,`)));
  assert.equal(kind.context, {
    file: "trace",
    line: 2,
    field: "event type",
    got: "9",
    expected: "an event type from 0 to 8",
  });
  const job = await failure(readTaskEvents(text(`${TASK_HEADER}\n10,,,0,5,1,u,0,0,,,,`)));
  assert.is(job.context.field, "job ID");
  assert.is((await failure(readTaskEvents(text("time,other\n")))).code, "ERR_TRACE_FORMAT");
  assert.is((await failure(readTaskEvents(MACHINES))).code, "ERR_TRACE_FORMAT");
});

test("reads Google's machine events as capacity changes", async () => {
  const source = readMachineEvents(MACHINES);
  const events = await all(source);
  assert.equal([...source.dropped], []);
  const removed = events.filter((event) => event.kind === "remove").length;
  const machines = new Set(events.map((event) => event.machineId)).size;
  assert.is(machines, 20);
  assert.ok(removed >= 20);
  assert.ok(events.every((event) => event.kind === "remove" || (event.cpu ?? 0) <= 1));
  const header = "time,machine ID,event type,platform ID,CPUs,Memory\n";
  const bad = await failure(readMachineEvents(text(`${header}1,2,add,x,1,1\n`)));
  assert.equal([bad.context.field, bad.context.got], ["event type", "add"]);
});

test("reads the lives of preemptible VMs", async () => {
  const source = readPreemptions(LIVES);
  const lives = await all(source);
  assert.is(lives.length, 60);
  assert.equal(lives[0], {
    name: "tjnepf1",
    zone: "us-central1-c",
    machineType: "n1-highcpu-16",
    insertedMs: Date.UTC(2019, 2, 25, 19, 22, 36, 617),
    runningMs: Date.UTC(2019, 2, 25, 19, 23, 13, 52),
    endedMs: Date.UTC(2019, 2, 25, 20, 9, 53, 235),
    endKind: "preempted",
    lifeSeconds: 2836.621,
  });
  for (const life of lives) {
    const measured = (life.endedMs - life.insertedMs) / 1000;
    assert.ok(Math.abs(measured - life.lifeSeconds) < 1, `${life.name} ${measured}`);
  }
  const raw = readFileSync(LIVES, "utf8");
  const bad = await failure(readPreemptions(text(raw.replace(",preempted,", ",vanished,"))));
  assert.equal([bad.context.line, bad.context.field], [2, "end_kind"]);
  const lines = raw.split("\n");
  const twice = readPreemptions(text([lines[0], lines[1], lines[1], lines[2]].join("\n")));
  assert.is((await all(twice)).length, 2);
  assert.equal([...twice.dropped], [["duplicate", 1]]);
});

test("reads a spot trace as changes of capacity", async () => {
  const json =
    '{"metadata": {"note": [1, {"a": null}], "gap_seconds": 30},\n' +
    '"data": [0, 0, 4, 4, 1, null, -2, 1.5, 4], "prices": [1.5, "x"]}';
  const source = readSpotTrace(text(json));
  assert.equal(await all(source), [
    { kind: "capacity", timeMs: 0, available: 0, change: 0 },
    { kind: "capacity", timeMs: 60_000, available: 4, change: 4 },
    { kind: "capacity", timeMs: 120_000, available: 1, change: -3 },
    { kind: "capacity", timeMs: 240_000, available: 4, change: 3 },
  ]);
  assert.equal([source.gapSeconds, source.tickCount], [30, 9]);
  assert.equal(Object.fromEntries(source.dropped), { nan: 1, negative: 1, absurd: 1 });
});

test("agrees with JSON.parse on a whole spot trace", async () => {
  const parsed = JSON.parse(gunzipSync(readFileSync(SPOT)).toString()) as {
    metadata: { gap_seconds: number };
    data: number[];
  };
  const source = readSpotTrace(SPOT);
  const changes = await all(source);
  assert.is(source.tickCount, parsed.data.length);
  const expected = parsed.data.flatMap((value, tick) => {
    const before = parsed.data[tick - 1] ?? 0;
    return tick === 0 || value !== before
      ? [{ timeMs: tick * parsed.metadata.gap_seconds * 1000, available: value }]
      : [];
  });
  assert.equal(
    changes.map(({ timeMs, available }) => ({ timeMs, available })),
    expected,
  );
});

test("refuses spot traces of another shape and names the place", async () => {
  const cases: readonly [string, string | undefined][] = [
    ["", "document"],
    ["[1,2]", "data"],
    ["{}", "data"],
    ['{"metadata":{"gap_seconds":30},"data":[]}', "data"],
    ['{"data":[1],"metadata":{"gap_seconds":30}}', "data[]"],
    ['{"metadata":{"gap_seconds":0},"data":[1]}', "metadata.gap_seconds"],
    ['{"metadata":{"gap_seconds":"30"},"data":[1]}', "metadata.gap_seconds"],
    ['{"metadata":{"gap_seconds":30},"data":[1,"2"]}', "data[]"],
    ['{"metadata":{"gap_seconds":30},"data":[1,]}', "data[]"],
    ['{"metadata":{"gap_seconds":30},"data":[1 2]}', "data[]"],
    ['{"metadata":{"gap_seconds":30},"data":[1', "data[]"],
    ['{"metadata":{"gap_seconds":30},"data":[1]', undefined],
    ['{"metadata":{"gap_seconds":30},"data":[1]}}', undefined],
    ['{"metadata":{"gap_seconds":30},"data":[1],}', undefined],
    ['{"metadata":30,"data":[1]}', "metadata"],
    [`{"metadata":{"gap_seconds":30},"data":[${"1".repeat(400)}]}`, undefined],
    [`${"[".repeat(40)}`, undefined],
    ['{"metadata', undefined],
  ];
  for (const [json, field] of cases) {
    const error = await failure(readSpotTrace(text(json)));
    assert.is(error.code, "ERR_TRACE_FORMAT", json);
    if (field !== undefined) assert.is(error.context.field, field, json);
  }
});

const READERS: readonly [string, (input: TraceInput) => AsyncIterable<unknown>][] = [
  [TASKS, readTaskEvents],
  [MACHINES, readMachineEvents],
  [LIVES, readPreemptions],
  [SPOT, readSpotTrace],
];

test("events do not depend on where the chunks are cut", async () => {
  for (const [file, read] of READERS) {
    const bytes = readFileSync(file);
    const whole = await all(read(file));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 20 }), async (cuts) => {
        assert.equal(await all(read(text(bytes, cuts))), whole);
      }),
      { numRuns: 10 },
    );
  }
});

test("random damage gives a typed error or fewer events", async () => {
  for (const [file, read] of READERS) {
    const raw = readFileSync(file);
    const plain = raw[0] === 0x1f ? gunzipSync(raw) : raw;
    const count = (await all(read(text(plain)))).length;
    const packed = gzipSync(plain);
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(fc.tuple(fc.nat(1 << 22), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        async (zip, hits) => {
          const bytes = Buffer.from(zip ? packed : plain);
          for (const [at, value] of hits) bytes[at % bytes.byteLength] = value;
          try {
            assert.ok((await all(read(text(bytes)))).length <= count + 10);
          } catch (error) {
            assert.ok(isRepriseError(error), `${error}`);
            assert.is((error as RepriseError).code, "ERR_TRACE_FORMAT");
          }
        },
      ),
      { numRuns: 60 },
    );
  }
});

test.run();
