/**
 * Decision: how long does one take against 10,000 nodes and 100,000 instances?
 *
 *     node build/js/bench/decision.js [--smoke] [--json FILE]
 *       [--ticks N] [--considerations N] [--interruptions N] [--reclaims N]
 *
 * Goals: from `submit` to the decision that is written and acted on, in process: named
 * interruptions, and reclaims over 50 nodes with 500 candidates; ledger in memory; the same
 * interruptions only asked about. Beside them what
 * a tick costs that has nothing to decide, one a second, with the pools' targets read within 20 s.
 * Non-goals: the ledger's disk, predictions.
 */
import { writeFileSync } from "node:fs";
import { PredictiveAllocator } from "../host/allocator/allocator.js";
import { Coordinator } from "../host/coordinator/coordinator.js";
import { compileBinary, ENVELOPE_ROWS } from "../host/core/index.js";
import { DryRunEngine } from "../host/engines/dry-run.js";
import { MemoryLedger } from "../host/ledger/memory.js";
import type { DecisionRecord } from "../host/ledger/records.js";
import { VirtualClock } from "../host/lib/clock.js";
import { Prng } from "../host/lib/prng.js";
import type { BehaviourProfile, ProfileReader } from "../host/profiler/profile.js";

const NOW = 1_700_000_000_000;
const HOUR_MS = 3_600_000;
const PER_NODE = 10;
const SCOPE_NODES = 50;

const words = process.argv.slice(2);
const smoke = words.includes("--smoke");
const jsonFile = words[words.indexOf("--json") + 1];
const nodeCount = smoke ? 200 : 10_000;
const tickCount = countOf("--ticks", smoke ? 2 : 80);
const interruptionCount = countOf("--interruptions", smoke ? 20 : 1_000);
const reclaimCount = countOf("--reclaims", smoke ? 2 : 100);
const considerationCount = countOf("--considerations", smoke ? 20 : 1_000);

/** As named on the command line, else this many. */
function countOf(option: string, otherwise: number): number {
  const at = words.indexOf(option);
  return at < 0 ? otherwise : Number(words[at + 1]);
}

/** The same answer for everybody: what a prediction costs is measured elsewhere. */
class OneProfile implements ProfileReader {
  readonly #envelope = new Float64Array(ENVELOPE_ROWS).map(
    (_, row) => [0.5, 0.8, 1, 1][row % 4] ?? 1,
  );
  readonly #keepNeed = new Float64Array(16).fill(0.9);

  has(): boolean {
    return true;
  }

  profile(instanceId: string, options?: { readonly outageMinutes?: number }): BehaviourProfile {
    return {
      instanceId,
      predictedCpuCores: 1,
      predictedMemoryGiB: 1,
      predictedNetworkMbps: 1,
      predictedDiskIops: 1,
      lastUpdatedMs: NOW,
      envelope: this.#envelope,
      keepNeed: this.#keepNeed,
      outageMinutes: options?.outageMinutes ?? 10,
      rung: 0,
      modelVersion: "bench@0",
      samplesInIncarnation: 100,
      incarnation: 1,
      trackerCount: 0,
    };
  }
}

const clock = new VirtualClock(NOW);
const ledger = new MemoryLedger();
const profiles = new OneProfile();
const allocator = new PredictiveAllocator({
  profiles,
  ledger,
  clock,
  module: compileBinary("release"),
  // As in the service.
  targetsEveryMs: 20_000,
});
const coordinator = new Coordinator({
  allocator,
  profiles,
  ledger,
  engine: new DryRunEngine(),
  priorities: { priorityOf: (id) => Number(id.slice(-1)) % 3 },
  clock,
  modelVersion: () => "bench@0",
});
const prng = new Prng(1);
/** In one step, since a commit for each would take longer than all that is measured. */
function settle(node: number): void {
  const nodeId = `n-${node}`;
  allocator.addNode({ nodeId, allocatable: [12, 12, 12, 12] });
  for (let index = 0; index < PER_NODE; index++) {
    const instanceId = `i-${node}-${index}`;
    const size = 0.75 + prng.below(8) / 16;
    const groupId = `g-${node}`;
    allocator.allocate(instanceId, groupId, nodeId, [size, size, size, size]);
    const identity = { instanceId, groupId, nodeId, interruptible: true };
    coordinator.register({ ...identity, priority: 0 }, NOW - 3 * HOUR_MS);
  }
}
allocator.transact(() => {
  for (let node = 0; node < nodeCount; node++) settle(node);
});
await coordinator.tick();

/** A second apart: four times round, after which neighbours may give. */
const idleMs = await timesOf(tickCount, async (index) => {
  clock.advanceTo(NOW + (index + 1) * 1_000);
  await coordinator.tick();
});
const considerMs = await timesOf(considerationCount, async (index) => {
  clock.advanceTo(clock.nowMs() + 1);
  const instanceId = `i-${prng.below(nodeCount)}-${index % PER_NODE}`;
  const asked = { requestId: `c-${index}`, receivedMs: NOW, instanceId };
  coordinator.consider({ kind: "interrupt", ...asked });
});
let victimCount = 0;
const kinds = new Map<string, number>();
const interruptMs = await timesOf(interruptionCount, async (index) => {
  clock.advanceTo(clock.nowMs() + 1);
  const instanceId = `i-${prng.below(nodeCount)}-${index % PER_NODE}`;
  coordinator.submit({ kind: "interrupt", requestId: `q-${index}`, receivedMs: NOW, instanceId });
  count(await coordinator.decideDue());
});
const reclaimMs = await timesOf(reclaimCount, async (index) => {
  clock.advanceTo(clock.nowMs() + 1);
  const first = (index * SCOPE_NODES) % nodeCount;
  const nodeIds = Array.from({ length: SCOPE_NODES }, (_, at) => `n-${(first + at) % nodeCount}`);
  coordinator.submit({
    kind: "reclaim",
    requestId: `r-${index}`,
    receivedMs: NOW,
    deadlineMs: NOW + HOUR_MS,
    nodeIds,
    amounts: [200, 200, 200, 200],
    priorityMax: 5,
    purpose: "capacity-loss",
  });
  count(await coordinator.decideDue());
});
await coordinator.close();

function count(decisions: readonly DecisionRecord[]): void {
  for (const { kind, victims, reasons } of decisions) {
    const why = reasons.map(({ code }) => code).join(" ");
    const key = kind === "proceed" ? kind : `${kind}: ${why}`;
    kinds.set(key, (kinds.get(key) ?? 0) + 1);
    victimCount += victims.length;
  }
}

interface Times {
  readonly wallMs: readonly number[];
  readonly cpuMs: readonly number[];
}

/** Ascending. The processor time is of all threads of the process, the collector's too. */
async function timesOf(count: number, body: (index: number) => Promise<void>): Promise<Times> {
  const wallMs: number[] = [];
  const cpuMs: number[] = [];
  for (let index = 0; index < count; index++) {
    const cpu = process.cpuUsage();
    const started = performance.now();
    await body(index);
    wallMs.push(performance.now() - started);
    const { user, system } = process.cpuUsage(cpu);
    cpuMs.push((user + system) / 1000);
  }
  const ascending = (a: number, b: number) => a - b;
  return { wallMs: wallMs.sort(ascending), cpuMs: cpuMs.sort(ascending) };
}

function line(name: string, { wallMs, cpuMs }: Times) {
  const at = (times: readonly number[], share: number) =>
    round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  return {
    name,
    count: wallMs.length,
    p50Ms: at(wallMs, 0.5),
    p99Ms: at(wallMs, 0.99),
    maxMs: at(wallMs, 1),
    cpuP50Ms: at(cpuMs, 0.5),
    cpuP99Ms: at(cpuMs, 0.99),
  };
}

function round(ms: number): number {
  return Number(ms.toPrecision(3));
}

const report = [
  line("tick with nothing to decide", idleMs),
  line("consideration of an interruption", considerMs),
  line("named interruption", interruptMs),
  line("reclaim over 500 candidates", reclaimMs),
];
console.table(report);
const answers = [...kinds].map(([kind, times]) => `${times} x ${kind}`).join("; ");
console.log(`${answers}; ${victimCount} interrupted`);
if (words.includes("--json") && jsonFile !== undefined) {
  writeFileSync(jsonFile, JSON.stringify({ bench: "decision", nodeCount, rows: report }));
}
