/**
 * Cuts the sample that ships in `host/replay/sample/` out of the whole traces:
 *
 *     node build/js/test/support/cut-sample.js DATA_FOLDER [OUT_FOLDER]
 *
 * Rule: VMs kept from training, two weeks of September 2013 (days 63 to 76 of the trace), on and
 * sampled without large holes, whose P95 of CPU over the first week lies between 0.035 and 4 cores;
 * of these the 32 with the highest. Lines are copied unchanged. Two spot traces are copied whole.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { readBitbrains } from "../../host/sources/bitbrains/bitbrains-source.js";
import { isHeldOut } from "../../host/sources/bitbrains/split.js";

const DAY_MS = 86_400_000;
const TRACE_START_MS = 1_372_629_600_000;
const FROM_MS = TRACE_START_MS + 63 * DAY_MS;
const WEEK_MS = 7 * DAY_MS;
const SAMPLES_A_WEEK = 2016;
const VM_COUNT = 32;
const SPOT_TRACES = [
  "availability/16-node/aws-08-27-2023/us-east-2b_v100_1.json.gz",
  "preemption/4-node/aws-08-03-2023/us-east-2a_v100_1.json.gz",
];

/** P95 of the first week's CPU, or null when the VM does not qualify. */
async function busyness(file: string): Promise<number | null> {
  const cpu: number[] = [];
  let secondWeek = 0;
  for await (const batch of readBitbrains(file, { instanceId: "vm" }).rows()) {
    for (const row of batch) {
      const age = row.timeMs - FROM_MS;
      if (age < 0 || age >= 2 * WEEK_MS) continue;
      if (!row.on) return null;
      if (age < WEEK_MS) cpu.push(row.cpuCores);
      else secondWeek++;
    }
  }
  if (Math.min(cpu.length, secondWeek) < 0.95 * SAMPLES_A_WEEK) return null;
  return cpu.sort((a, b) => a - b)[Math.floor(0.95 * cpu.length)] ?? null;
}

function cutSeries(bytes: Uint8Array): Uint8Array {
  const [header, ...lines] = gunzipSync(bytes).toString("latin1").split("\n");
  const kept = lines.filter((line) => {
    const age = Number.parseInt(line, 10) * 1000 - FROM_MS;
    return age >= 0 && age < 2 * WEEK_MS;
  });
  return gzipSync(`${[header, ...kept].join("\n")}\n`, { level: 9 });
}

async function cut(data: string, out: string): Promise<void> {
  const series = join(data, "bitbrains_rnd", "series");
  const found: { name: string; p95: number }[] = [];
  for (const name of readdirSync(series).sort()) {
    if (!isHeldOut(name.replace(/\.csv\.gz$/, ""))) continue;
    const p95 = await busyness(join(series, name));
    if (p95 !== null && p95 >= 0.035 && p95 <= 4) found.push({ name, p95 });
  }
  found.sort((a, b) => b.p95 - a.p95);
  const target = join(out, "bitbrains_rnd", "series");
  rmSync(join(out, "bitbrains_rnd"), { recursive: true, force: true });
  rmSync(join(out, "spot_skypilot"), { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  let size = 0;
  for (const { name, p95 } of found.slice(0, VM_COUNT)) {
    const bytes = cutSeries(readFileSync(join(series, name)));
    size += bytes.byteLength;
    writeFileSync(join(target, name), bytes);
    console.log(`${name} ${p95.toFixed(3)} cores, ${bytes.byteLength} bytes`);
  }
  for (const name of SPOT_TRACES) {
    const to = join(out, "spot_skypilot", name);
    mkdirSync(join(to, ".."), { recursive: true });
    const bytes = gzipSync(gunzipSync(readFileSync(join(data, "spot_skypilot", name))), {
      level: 9,
    });
    size += bytes.byteLength;
    writeFileSync(to, bytes);
  }
  console.log(`${found.length} VMs qualify; ${size} bytes written`);
}

const [data, out] = process.argv.slice(2);
if (data === undefined) throw new Error("usage: cut-sample.js DATA_FOLDER [OUT_FOLDER]");
const sample = fileURLToPath(new URL("../../../../host/replay/sample", import.meta.url));
await cut(data, out ?? sample);
