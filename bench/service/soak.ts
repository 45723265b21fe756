/**
 * The service under steady load for a long time, and whether its memory grows:
 *
 *     node build/js/bench/service/soak.js [--minutes 60] [--instances N] [--folder PATH] [--json]
 *         [--lease-minutes 60] [--keep-decisions 1000]
 *
 * Each second: a share of the fleet sends samples, some are interrupted and come back, some are
 * considered. Every five seconds the process's own resident memory is read from outside (pages of the
 * ledger's file that are mapped are the system's cache, and apart), and what of its heap is in use;
 * of a minute the least of that, which is what stays after a collection. The first fifth, at least a
 * minute, is warm-up: pages that are touched for the first time, code that is compiled. Of the rest
 * a line is fitted; its slope is given with the interval that it lies in with 95 %, from blocks of
 * a minute, because neighbouring readings are not independent. Flat: of both, the interval holds zero,
 * or what its upper end adds in a day is under a tenth of what there is.
 *
 * For an hour after the first restart the claimed leases become more, until the first of them have
 * settled. `--lease-minutes 5` makes that hour five minutes by a service whose clock runs twelve
 * times as fast, and all that comes before is warm-up; so a soak of 15 minutes can tell. Of decisions
 * so few are kept that they, too, become no more while it is warming up.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { elapsedMs, SystemClock, sleep } from "../../host/lib/clock.js";
import { HurriedClock } from "./hurried-clock.js";
import { BenchServer, instanceName } from "./server.js";
import { slopeOf } from "./slope.js";
import { type Reply, Wire } from "./wire.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    instances: { type: "string", default: "5000" },
    folder: { type: "string" },
    json: { type: "boolean", default: false },
    "lease-minutes": { type: "string", default: "60" },
    "keep-decisions": { type: "string", default: "1000" },
  },
});
const minutes = Number(values.minutes);
const instances = Number(values.instances);
const leaseMinutes = Number(values["lease-minutes"]);
/** From a claim until it has settled. */
const LEASE_MINUTES = 60;
const hurry = { startMs: new SystemClock().nowMs(), speed: LEASE_MINUTES / leaseMinutes };
const clock = new HurriedClock(hurry.startMs, hurry.speed);
/** Afterwards all is as many as it gets. */
const warmMinutes = leaseMinutes < LEASE_MINUTES ? leaseMinutes * 1.2 : Math.max(1, minutes / 5);
const READ_EVERY_MS = 5_000;
const SAMPLES_A_SECOND = 500;
const INTERRUPTIONS_A_SECOND = 10;
const CONSIDERATIONS_A_SECOND = 20;

interface Tally {
  samples: number;
  decisions: number;
  considerations: number;
  readonly statuses: Record<string, number>;
}

/** MiB. */
interface Reading {
  readonly minute: number;
  readonly all: number;
  readonly own: number;
  readonly mapped: number;
  /** In use, collected or not. */
  readonly heap: number;
  /** The ledger's file; its pages are used again. */
  readonly ledger: number;
}

async function main(): Promise<void> {
  const parent = values.folder ?? tmpdir();
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "reprise-soak-"));
  const keepDecisions = Number(values["keep-decisions"]);
  const how = leaseMinutes === LEASE_MINUTES ? {} : { hurry };
  const server = await BenchServer.open({ folder, instances, keepDecisions, ...how });
  try {
    await server.register(instances);
    const readings: Reading[] = [];
    const eye = await Wire.open(server.address);
    const tally: Tally = { samples: 0, decisions: 0, considerations: 0, statuses: {} };
    const beganMs = elapsedMs();
    const endMs = beganMs + minutes * 60_000;
    const load = drive(server.address, endMs, tally);
    for (let dueMs = beganMs; dueMs < endMs; dueMs += READ_EVERY_MS) {
      await sleep(Math.max(0, dueMs - elapsedMs()));
      const heap = await heapMiB(eye);
      const ledger = statSync(join(folder, "ledger", "data.mdb")).size / 2 ** 20;
      const minute = (elapsedMs() - beganMs) / 60_000;
      readings.push({ minute, heap, ledger, ...server.memory() });
    }
    eye.close();
    await load;
    report(readings, tally);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function heapMiB(wire: Wire): Promise<number> {
  const { body } = await wire.send("GET", "/metrics", "");
  return Number(/^reprise_nodejs_heap_size_used_bytes (\S+)/m.exec(body)?.[1]) / 2 ** 20;
}

/** A second's work in every second, or as much of it as the service is done with. */
async function drive(address: string, endMs: number, tally: Tally): Promise<void> {
  const wire = await Wire.open(address);
  const ask = async (path: string, body: object): Promise<Reply> => {
    const reply = await wire.send("POST", path, JSON.stringify(body));
    tally.statuses[reply.status] = (tally.statuses[reply.status] ?? 0) + 1;
    return reply;
  };
  for (let second = 0; elapsedMs() < endMs; second++) {
    const nextMs = elapsedMs() + 1_000;
    await ask("/v1/samples", samples(second));
    tally.samples += SAMPLES_A_SECOND;
    for (let each = 0; each < INTERRUPTIONS_A_SECOND; each++) {
      const instanceId = nth(second * INTERRUPTIONS_A_SECOND + each);
      await ask("/v1/interruptions", { instanceId });
      await ask(`/v1/instances/${instanceId}/restarted`, {});
      tally.decisions++;
    }
    for (let each = 0; each < CONSIDERATIONS_A_SECOND; each++) {
      const instanceId = nth(second * CONSIDERATIONS_A_SECOND + each);
      await ask("/v1/considerations", { interrupt: { instanceId } });
      tally.considerations++;
    }
    await sleep(Math.max(0, nextMs - elapsedMs()));
  }
  wire.close();
}

function samples(second: number): object[] {
  const timeMs = clock.nowMs();
  return Array.from({ length: SAMPLES_A_SECOND }, (_, each) => ({
    instanceId: instanceName((second * SAMPLES_A_SECOND + each) % instances),
    timeMs,
    cpuCores: 0.25 + (each % 7) / 100,
    memoryGiB: 0.5 + (each % 11) / 100,
    networkMbps: 3,
    disk: 1,
  }));
}

/** In strides, so that neighbours in time are on different nodes. */
function nth(index: number): string {
  return instanceName((index * 61) % instances);
}

function report(readings: readonly Reading[], tally: Tally): void {
  const warm = readings.filter(({ minute }) => minute >= warmMinutes);
  const own = slopeOf(warm.map((each) => [each.minute, each.own]));
  const heap = slopeOf(leastOfMinutes(warm));
  const ledger = slopeOf(warm.map((each) => [each.minute, each.ledger]));
  const [first, last] = [warm[0], warm.at(-1)];
  const isFlat = [own, heap].every(
    ({ low, high }) => low <= 0 || high * 24 * 60 < (last?.own ?? 0) / 10,
  );
  const result = {
    machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
    ...{ minutes, instances, leaseMinutes, ...tally },
    ...{ first, last, mibPerMinute: { own, heap, ledger }, isFlat },
  };
  if (values.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else {
    console.log(`${minutes} min, ${instances} instances, ${tally.decisions} decisions`);
    console.log(`its own memory ${first?.own} MiB after warm-up, ${last?.own} at the end`);
    for (const [name, { slope, low, high }] of Object.entries({ own, heap, ledger })) {
      const text = [slope, low, high].map((value) => value.toFixed(3));
      console.log(`${name}: ${text[0]} MiB a minute, 95 %: ${text[1]} to ${text[2]}`);
    }
  }
  if (!isFlat) process.exitCode = 1;
}

function leastOfMinutes(readings: readonly Reading[]): [number, number][] {
  const least = new Map<number, number>();
  for (const { minute, heap } of readings) {
    const at = Math.floor(minute);
    least.set(at, Math.min(heap, least.get(at) ?? heap));
  }
  return [...least];
}

await main();
