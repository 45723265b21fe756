/** `reprise serve` in a process of its own, with a cluster of a size registered. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { elapsedMs } from "../../host/lib/clock.js";
import { Wire } from "./wire.js";

const here = fileURLToPath(import.meta.url);
const MAIN = resolve(here, "../../../host/main.js");
const HURRIED = resolve(here, "../hurried-server.js");
export const PER_NODE = 50;
const PER_GROUP = 100;
const BATCH = 5_000;
/** Of Linux on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface ServerOptions {
  readonly folder: string;
  readonly instances: number;
  /** Flags of node, to profile. */
  readonly nodeFlags?: readonly string[];
  /** As many decisions are kept; the service's default when absent. */
  readonly keepDecisions?: number;
  /** Its time, where it is not the machine's. */
  readonly hurry?: Hurry;
}

export interface Hurry {
  readonly startMs: number;
  readonly speed: number;
}

export class BenchServer {
  readonly address: string;
  readonly pid: number;
  readonly startMs: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: string, startMs: number) {
    this.#child = child;
    this.address = address;
    this.pid = child.pid ?? 0;
    this.startMs = startMs;
  }

  static async open(options: ServerOptions): Promise<BenchServer> {
    const { folder, nodeFlags = [], hurry } = options;
    const config = join(folder, "reprise.yaml");
    writeFileSync(config, configText(options));
    const began = elapsedMs();
    const program =
      hurry === undefined
        ? [MAIN, "serve", "--config", config, "--json"]
        : [HURRIED, config, `${hurry.startMs}`, `${hurry.speed}`];
    const words = [...nodeFlags, ...program];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    for await (const chunk of child.stdout ?? []) {
      text += String(chunk);
      if (text.includes("\n")) break;
    }
    const { address } = JSON.parse(text) as { readonly address: string };
    return new BenchServer(child, address, elapsedMs() - began);
  }

  /** Resident memory now, MiB: all of it, its own, and of files that it has mapped (the ledger). */
  memory(): { readonly all: number; readonly own: number; readonly mapped: number } {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    const read = (name: string) =>
      Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 102.4) / 10;
    return { all: read("VmRSS"), own: read("RssAnon"), mapped: read("RssFile") };
  }

  /** Processor time that it has used so far, seconds; what others take of the machine is not in it. */
  cpuSeconds(): number {
    // After the name, which is in brackets, come the state and then what is counted from field 4.
    const [, fields = ""] = readFileSync(`/proc/${this.pid}/stat`, "utf8").split(") ");
    const [user, system] = fields.split(" ").slice(11, 13).map(Number);
    return ((user ?? 0) + (system ?? 0)) / TICKS_PER_SECOND;
  }

  async register(instances: number): Promise<void> {
    const wire = await Wire.open(this.address);
    for (let first = 0; first < instances; first += BATCH) {
      const count = Math.min(BATCH, instances - first);
      const all = Array.from({ length: count }, (_, index) => registration(first + index));
      const reply = await wire.send("POST", "/v1/instances", JSON.stringify(all));
      const report = JSON.parse(reply.body) as { readonly accepted?: number };
      if (report.accepted !== count) throw new Error(`not registered: ${reply.body.slice(0, 500)}`);
    }
    wire.close();
  }

  async close(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill(signal);
    await gone;
  }
}

export function instanceName(index: number): string {
  return `i${index}`;
}

function registration(index: number): object {
  const amounts = { cpu: 0.5, memory: 1, network: 10, disk: 2 };
  return {
    instanceId: instanceName(index),
    groupId: `g${Math.floor(index / PER_GROUP)}`,
    nodeId: `n${Math.floor(index / PER_NODE)}`,
    priority: 10,
    interruptible: true,
    requested: amounts,
    allocation: amounts,
  };
}

/** Nodes with twice the room of what is on them. */
function configText({ folder, instances, keepDecisions }: ServerOptions): string {
  const nodes = Array.from({ length: Math.ceil(instances / PER_NODE) }, (_, index) => ({
    nodeId: `n${index}`,
    allocatable: { cpu: 50, memory: 100, network: 1_000, disk: 200 },
  }));
  return JSON.stringify({
    listen: { port: 0 },
    ledger: {
      folder: join(folder, "ledger"),
      ...(keepDecisions === undefined ? {} : { keepDecisions }),
    },
    profiler: { instancesMax: Math.max(64, instances), workers: 1 },
    coordinator: { policy: { minRunMinutes: 0, groupBudget: PER_GROUP } },
    modes: { default: "enforce" },
    http: { requestsPerMinute: 100_000_000, bodyBytesMax: 33_554_432 },
    log: { level: "warn" },
    nodes,
  });
}
