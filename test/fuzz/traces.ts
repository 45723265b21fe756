/** Readers of traces and recorded samples against mutants of real lines. */
import { readFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readBitbrainsBytes } from "../../host/sources/bitbrains/bitbrains-source.js";
import { readPreemptions } from "../../host/sources/gcp/preemptions.js";
import { readEvictions } from "../../host/sources/google2011/evictions.js";
import { readMachineEvents } from "../../host/sources/google2011/machine-events.js";
import { readTaskEvents } from "../../host/sources/google2011/task-events.js";
import type { Sample, SourceEvent } from "../../host/sources/sample.js";
import { SampleLines } from "../../host/sources/samples/sample-lines.js";
import { readSpotTrace } from "../../host/sources/skypilot/spot-source.js";
import type { TraceInput } from "../../host/sources/text/table-source.js";
import { ROOT } from "../support/source-files.js";
import { fuzz, readOrRefuse } from "./fuzz.js";
import { mutantBytes } from "./mutants.js";

const DATA = `${ROOT}test/data/`;
const LINES_MAX = 12;

function contentOf(name: string): Buffer {
  const bytes = readFileSync(`${DATA}${name}`);
  return name.endsWith(".gz") ? gunzipSync(bytes) : bytes;
}

/** The first lines of a real file, plain and packed. */
function seedsOf(...names: readonly string[]): Buffer[] {
  const heads = names.map((name) => {
    const lines = contentOf(name).toString("latin1").split("\n");
    return Buffer.from(`${lines.slice(0, LINES_MAX).join("\n")}\n`, "latin1");
  });
  const [first = Buffer.alloc(0)] = heads;
  // Unpacking goes through a thread, so plain ones come more often.
  return [...heads, ...heads, ...heads, gzipSync(first)];
}

const SAMPLE_LINES = `{"instanceId":"web-1","timeMs":1767225600000,"cpuCores":1.2,"memoryGiB":3.1}
{"kind":"limits","instanceId":"web-1","timeMs":1767225600000,"limits":{"cpu":4},"jobType":"a"}
{"kind":"restarted","instanceId":"web-1","timeMs":1767312000000}
{"instanceId":"web-1","timeMs":1767312060000,"cpuCores":1,"perCoreCores":[0.5,0.5],"disk":0.4}
`;

type Reader = (input: { name: string; chunks: Uint8Array[] }) => AsyncIterable<unknown>;

/** What a chunk boundary cuts must read as if it were whole, so mutants come in two pieces. */
const pieces = (seeds: readonly Uint8Array[]) =>
  fc.tuple(mutantBytes(seeds), fc.nat(1_000_000)).map(([bytes, cut]) => {
    const at = cut % (bytes.length + 1);
    return { name: "trace", chunks: [bytes.subarray(0, at), bytes.subarray(at)] };
  });

/** Numbers that are read are finite and not negative; what cannot be is left out. */
function checkNumbers(item: unknown): void {
  for (const [key, value] of Object.entries(item as object)) {
    if (typeof value === "number" && key !== "change") {
      assert.ok(Number.isFinite(value) && value >= 0, `${key} is ${value}`);
    }
  }
}

function checkSample(sample: Sample, lastMs: number): void {
  const { cpuCores, cpuPeakCores, memoryGiB, networkMbps, disk, perCoreCores = [] } = sample;
  const { timeMs, connections, sinceLaunchSeconds } = sample;
  checkNumbers({ timeMs, cpuCores, cpuPeakCores, memoryGiB, networkMbps, disk });
  checkNumbers({ connections, sinceLaunchSeconds });
  checkNumbers(perCoreCores);
  assert.ok(timeMs > lastMs, `${timeMs} after ${lastMs}`);
}

function checkEvents(): (event: unknown) => void {
  const last = new Map<string, number>();
  return (item) => {
    const event = item as SourceEvent;
    if (event.kind !== "sample") return;
    const { instanceId, timeMs } = event.sample;
    checkSample(event.sample, last.get(instanceId) ?? -1);
    last.set(instanceId, timeMs);
  };
}

export function traceTests(runs: number) {
  const test = suite("mutants of traces");
  const add = (name: string, seeds: readonly Uint8Array[], read: Reader, isEvents = false) =>
    test(name, () =>
      fuzz(runs, pieces(seeds), (input) =>
        readOrRefuse(["ERR_TRACE_FORMAT"], async () => {
          const check = isEvents ? checkEvents() : checkNumbers;
          for await (const item of read(input)) check(item);
        }),
      ),
    );

  const vms = seedsOf("bitbrains_rnd/series/rnd_1.csv.gz", "bitbrains_rnd/series/rnd_15.csv.gz");
  const bitbrains: Reader = ({ name: file, chunks }) =>
    readBitbrainsBytes(chunks, { file, instanceId: "vm" });
  add("Bitbrains series", vms, bitbrains, true);
  const tasks = seedsOf("google2011/task_events.csv.gz");
  add("Google's task events", tasks, (input) => readTaskEvents(input));
  add("Google's evictions", tasks, (input) => readEvictions(input));
  const machines = seedsOf("google2011/machine_events.csv.gz");
  add("Google's machine events", machines, (input) => readMachineEvents(input));
  add("lives of preemptible machines", seedsOf("preemptions.csv"), (input) =>
    readPreemptions(input),
  );
  const spot = contentOf("spot_skypilot/preemption/1-node/gcp-04-30-2023/us-east1-b_c3-88.json.gz");
  const short = Buffer.from('{"metadata": {"gap_seconds": 600}, "data": [4, 4, 3, 0, NaN, 4]}');
  const cut = Buffer.concat([spot.subarray(0, 400), Buffer.from("4]}")]);
  add("spot availability", [short, short, cut, gzipSync(short)], (input) => readSpotTrace(input));
  const lines = Buffer.from(SAMPLE_LINES);
  const samples: Reader = (input: TraceInput) => new SampleLines(input);
  add("recorded samples", [lines, lines, lines, gzipSync(lines)], samples, true);
  return test;
}
