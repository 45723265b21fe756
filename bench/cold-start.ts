/**
 * From the start of a process to its first decision, with a fleet restored from a ledger on disk.
 *
 *     node build/js/bench/cold-start.js [INSTANCES] [PROCESSES] [modules]
 *
 * Goals: what each part of it costs; the target is 150 ms with 10,000 instances. Every process is a
 * new one over the same ledger, which this one fills first; times count from the process's own start.
 * It runs from a bundle, as the package's command line does, or with `modules` from single modules.
 * Non-goals: HTTP, which begins to listen after what is measured here; a disk that was not read yet.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ServiceRuntime } from "../host/service/runtime.js";

const RESTORING = "restoring";
const [, , first = "10000", second = "9", third = "bundle"] = process.argv;
/** Emptied and written anew by each run. */
const BUNDLE = fileURLToPath(new URL("../../cold-start", import.meta.url));
const BUNDLER = fileURLToPath(new URL("../../../.ci/bundle.mjs", import.meta.url));
/** With room for all that is on them. */
const NODE_COUNT = Math.max(500, Math.ceil(Number(first) / 20) || 0);

/** Name of a part, and time and processor time when it ended, ms since the process began. */
type Part = readonly [name: string, wallMs: number, cpuMs: number];

interface Run {
  readonly parts: readonly Part[];
  readonly kind: string;
}

async function open(folder: string, instancesMax: number, mark: (part: string) => void) {
  const { ServiceRuntime } = await import("../host/service/runtime.js");
  const { openLmdbLedger } = await import("../host/ledger/lmdb.js");
  const { shippedWeightsFile } = await import("../host/model/shipped-weights.js");
  const { readWeights } = await import("../host/model/weights.js");
  const { DryRunEngine } = await import("../host/engines/dry-run.js");
  const { SystemClock } = await import("../host/lib/clock.js");
  mark("modules");
  const ledger = await openLmdbLedger({ folder });
  mark("ledger");
  const file = shippedWeightsFile();
  const weights = file === undefined ? null : readWeights(file);
  mark("weights");
  const runtime = await ServiceRuntime.open({
    ledger,
    clock: new SystemClock(),
    engine: new DryRunEngine(),
    weights,
    instancesMax,
    workers: 2,
    policy: {},
    modes: { default: "enforce", groups: {} },
  });
  mark("restored");
  return runtime;
}

function fill(runtime: ServiceRuntime, count: number): void {
  for (let node = 0; node < NODE_COUNT; node++) {
    runtime.allocator.addNode({ nodeId: `node-${node}`, allocatable: [64, 256, 10_000, 1_000] });
  }
  const all = Array.from({ length: count }, (_, index) => ({
    registration: {
      instanceId: `instance-${index}`,
      groupId: `group-${index % 20}`,
      nodeId: `node-${index % NODE_COUNT}`,
      jobType: `job-${index % 50}`,
      priority: index % 7,
      interruptible: true,
      limits: { cpu: 4, memory: 16 },
    },
    amounts: [2, 8, 100, 10],
  }));
  const refused = runtime.registerAll(all);
  if (refused.size > 0)
    throw new Error(`${refused.size} were refused: ${[...refused.values()][0]}`);
}

async function restore(folder: string, count: number): Promise<void> {
  const parts: Part[] = [];
  const mark = (name: string) => parts.push([name, performance.now(), cpuMs()]);
  mark("node");
  const runtime = await open(folder, count, mark);
  const decision = await runtime.submit({
    kind: "interrupt",
    requestId: `first-${process.pid}`,
    receivedMs: Date.now(),
    instanceId: "instance-17",
    outageMinutes: 30,
  });
  mark("decision");
  console.log(JSON.stringify({ parts, kind: decision.kind }));
  await runtime.close();
}

async function main(): Promise<void> {
  const count = Number(first);
  const folder = mkdtempSync(join(tmpdir(), "reprise-cold-start."));
  try {
    const runtime = await open(join(folder, "ledger"), count, () => {});
    fill(runtime, count);
    await runtime.close();
    const file = third === "bundle" ? await bundled() : fileURLToPath(import.meta.url);
    const runs: Run[] = [];
    while (runs.length < Number(second)) {
      runs.push(JSON.parse(await output([file, RESTORING, join(folder, "ledger"), first])));
    }
    print(count, runs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** This file and all that it imports in one folder of few files. */
async function bundled(): Promise<string> {
  await output([BUNDLER, BUNDLE, `start=${fileURLToPath(import.meta.url)}`]);
  return join(BUNDLE, "start.js");
}

async function output(words: readonly string[]): Promise<string> {
  // A process that starts is not to load what only this one needs.
  const { spawnSync } = await import("node:child_process");
  const done = spawnSync(process.execPath, words, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
  return done.stdout;
}

function print(count: number, runs: readonly Run[]): void {
  const sorted = [...runs].sort((a, b) => endOf(a)[1] - endOf(b)[1]);
  const [best, middle] = [sorted[0], sorted[sorted.length >> 1]];
  if (best === undefined || middle === undefined) return;
  console.log(`${count} instances restored, ${runs.length} processes, first decision ${best.kind}`);
  for (const [name, run] of Object.entries({ middle, fastest: best })) {
    const [, wallMs, cpuMs] = endOf(run);
    console.log(`${name} ${wallMs.toFixed(0)} ms: ${split(run, 1)}`);
    console.log(`  processor time ${cpuMs.toFixed(0)} ms: ${split(run, 2)}`);
  }
}

function endOf({ parts }: Run): Part {
  return parts.at(-1) ?? ["nothing", Number.NaN, Number.NaN];
}

/** What each part took, of one column. */
function split({ parts }: Run, column: 1 | 2): string {
  return parts
    .map(
      (part, index) =>
        `${part[0]} ${(part[column] - (parts[index - 1]?.[column] ?? 0)).toFixed(0)}`,
    )
    .join(", ");
}

/** Of all threads of this process: what others take of the machine is not in it. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

if (first === RESTORING) await restore(second, Number(third));
else await main();
