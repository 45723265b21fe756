/**
 * The service under load, from another process:
 *
 *     node build/js/bench/service/service.bench.js [--only NAME,...] [--seconds N] [--instances N]
 *         [--folder PATH] [--profile]
 *
 * Prints one JSON report. `--profile` leaves a CPU profile of the server in the folder.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { elapsedMs, SystemClock, sleep } from "../../host/lib/clock.js";
import { load, round } from "./load.js";
import { BenchServer, instanceName, PER_NODE } from "./server.js";
import { Wire } from "./wire.js";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "samples,decisions,saturation,considerations,restart" },
    seconds: { type: "string", default: "10" },
    instances: { type: "string", default: "10000" },
    folder: { type: "string" },
    profile: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
const instances = Number(values.instances);
const clock = new SystemClock();
const BATCH = 5_000;

interface Room {
  readonly server: BenchServer;
  readonly folder: string;
}

const SCENARIOS: Readonly<Record<string, (room: Room) => Promise<object>>> = {
  samples,
  decisions: (room) =>
    interruptions(room, { connections: 16, perSecond: 500, count: 500 * seconds }),
  saturation: (room) => interruptions(room, { connections: 128, count: instances }),
  considerations,
  restart,
};

/** Batches of samples of all instances, one a minute of their time. */
async function samples({ server }: Room): Promise<object> {
  const startMs = clock.nowMs() - 60_000;
  const batches = Math.ceil(instances / BATCH);
  const request = (index: number) => {
    const timeMs = startMs + Math.floor(index / batches) * 100;
    const first = (index % batches) * BATCH;
    const body = Array.from({ length: Math.min(BATCH, instances - first) }, (_, each) => ({
      instanceId: instanceName(first + each),
      timeMs,
      cpuCores: 0.25 + (each % 7) / 100,
      memoryGiB: 0.5 + (each % 11) / 100,
      networkMbps: 3,
      disk: 1,
    }));
    return { method: "POST", path: "/v1/samples", body: JSON.stringify(body) };
  };
  let [accepted, dropped] = [0, 0];
  const began = elapsedMs();
  const report = await load({
    address: server.address,
    connections: 2,
    count: Math.ceil((seconds * 50_000) / BATCH),
    request,
    onReply: ({ body }) => {
      const said = JSON.parse(body) as { accepted: number; dropped: Record<string, number> };
      accepted += said.accepted;
      dropped += Object.values(said.dropped).reduce((sum, each) => sum + each, 0);
    },
  });
  const took = (elapsedMs() - began) / 1_000;
  return { acceptedPerSecond: Math.round(accepted / took), accepted, dropped, requests: report };
}

async function interruptions(
  { server }: Room,
  how: { readonly connections: number; readonly perSecond?: number; readonly count: number },
): Promise<object> {
  const kinds: Record<string, number> = {};
  const restarts = await Wire.open(server.address);
  let restarted: Promise<unknown> = Promise.resolve();
  const report = await load({
    address: server.address,
    ...how,
    request: (index) => ({
      method: "POST",
      path: "/v1/interruptions",
      body: JSON.stringify({ instanceId: spread(index) }),
    }),
    onReply: ({ body }, index) => {
      // Down for a moment, as machines are; its restart is reported beside the load.
      const path = `/v1/instances/${spread(index)}/restarted`;
      restarted = restarted.then(() => restarts.send("POST", path, "{}"));
      const said = JSON.parse(body) as { kind?: string; reasons?: { code: string }[] };
      const kind = [said.kind ?? "none", said.reasons?.[0]?.code ?? ""].join(" ").trim();
      kinds[kind] = (kinds[kind] ?? 0) + 1;
    },
  });
  const waitingMs = elapsedMs();
  await restarted;
  restarts.close();
  return { ...report, kinds, restartsBehindMs: round(elapsedMs() - waitingMs) };
}

/** One node after the other, so that no node carries the whole load at one time. */
function spread(index: number): string {
  const nodes = Math.ceil(instances / PER_NODE);
  const within = Math.floor(index / nodes) % PER_NODE;
  return instanceName(((index % nodes) * PER_NODE + within) % instances);
}

function considerations({ server }: Room): Promise<object> {
  return load({
    address: server.address,
    connections: 16,
    perSecond: 2_000,
    count: 2_000 * seconds,
    request: (index) => ({
      method: "POST",
      path: "/v1/considerations",
      body: JSON.stringify({ interrupt: { instanceId: instanceName((index * 7) % instances) } }),
    }),
  });
}

/** Killed, not ended: the ledger is all that the next one has. */
async function restart({ server, folder }: Room): Promise<object> {
  await server.close("SIGKILL");
  const next = await BenchServer.open({ folder, instances });
  const startCpuSeconds = next.cpuSeconds();
  await sleep(500);
  const residentMiB = next.memory();
  await next.close();
  return { startSeconds: round(next.startMs / 1_000), startCpuSeconds, residentMiB };
}

async function measure(name: string): Promise<object> {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  const parent = values.folder ?? tmpdir();
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "reprise-load-"));
  const nodeFlags = values.profile
    ? ["--cpu-prof", `--cpu-prof-dir=${parent}/profile-${name}`]
    : [];
  const server = await BenchServer.open({ folder, instances, nodeFlags });
  try {
    const began = elapsedMs();
    await server.register(instances);
    const registeredSeconds = round((elapsedMs() - began) / 1_000);
    const before = server.cpuSeconds();
    const result = await scenario({ server, folder });
    if (name === "restart") return { name, instances, registeredSeconds, ...result };
    const cpuSeconds = round(server.cpuSeconds() - before);
    const residentMiB = server.memory();
    return { name, instances, registeredSeconds, ...result, cpuSeconds, residentMiB };
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const results: object[] = [];
for (const name of values.only.split(",")) results.push(await measure(name));
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
process.stdout.write(`${JSON.stringify({ machine, seconds, results }, null, 2)}\n`);
