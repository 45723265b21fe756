import { LIMITS } from "../../lib/limits.js";
import type { InstanceRegistration, ResourceAmounts, SourceEvent } from "../sample.js";
import { KernelFiles } from "./files.js";
import { fillTemplate } from "./glob.js";
import { Groups } from "./groups.js";
import { ManagedRecords } from "./managed.js";
import { Names } from "./names.js";
import { Processes } from "./processes.js";
import type { Reading, ReadLimits } from "./reading.js";
import type { CgroupRule, HostRule, TreeRule } from "./rules.js";
import { type DiskUnit, InstanceTrack } from "./track.js";
import { Trees } from "./trees.js";

export interface ScannerOptions {
  readonly nodeId: string;
  readonly rules: readonly HostRule[];
  readonly diskUnit: DiskUnit;
  readonly cgroupRoot: string;
  readonly procRoot: string;
  /** A job that was not seen for so long is forgotten here; it is registered anew if it returns. */
  readonly forgetMs: number;
}

type Identity = Omit<InstanceRegistration, "instanceId" | "nodeId">;

/** Something that lives now and belongs to a rule. */
interface Found {
  /** Of this very thing: path of the group, or process and start. */
  readonly key: string;
  readonly wantedName: string;
  readonly identity: Identity;
  readonly read: () => Reading | undefined;
  readonly cpuSecondsNow: (pids: Iterable<number>) => number;
}

interface Tracked {
  readonly track: InstanceTrack;
  found: Found;
}

export interface LookResult {
  readonly events: readonly SourceEvent[];
  readonly instanceCount: number;
}

/**
 * Looks at this machine: finds what the rules choose, reads it and tells what happened since the
 * last look. Runs on a worker thread; every call is synchronous.
 */
export class Scanner {
  readonly #options: ScannerOptions;
  readonly #files = new KernelFiles();
  readonly #processes: Processes;
  readonly #groups: Groups;
  readonly #trees: Trees;
  readonly #names = new Names();
  readonly #tracked = new Map<string, Tracked>();

  constructor(options: ScannerOptions) {
    this.#options = options;
    this.#processes = new Processes(options.procRoot, this.#files);
    this.#groups = new Groups(options.cgroupRoot, this.#files, this.#processes);
    this.#trees = new Trees(this.#files, this.#processes);
  }

  /** Events since the last look, in the order of time for each instance. */
  look(timeMs: number): LookResult {
    this.#processes.begin();
    this.#trees.begin();
    const found = new Map<string, Found>();
    // The first rule that chooses something has it.
    for (const one of this.#find()) if (!found.has(one.key)) found.set(one.key, one);
    this.#names.keep(new Set(found.keys()));
    const seen = new Map<string, { readonly found: Found; readonly reading: Reading }>();
    for (const one of found.values()) {
      const reading = one.read();
      if (reading === undefined) continue;
      if (seen.size >= LIMITS.instancesMax) break;
      seen.set(this.#names.claim(one.key, one.wantedName), { found: one, reading });
    }
    const networks = this.#networks([...seen.values()].map(({ reading }) => reading));
    const events: SourceEvent[] = [];
    for (const [instanceId, { found: one, reading }] of seen) {
      const networkBytes = networks.get(reading) ?? Number.NaN;
      events.push(...this.#see(instanceId, one, { ...reading, networkBytes }, timeMs));
    }
    for (const [instanceId, { track }] of this.#tracked) {
      if (seen.has(instanceId)) continue;
      events.push(...track.gone(timeMs));
      if (timeMs - track.lastSeenMs > this.#options.forgetMs) this.#tracked.delete(instanceId);
    }
    return { events, instanceCount: seen.size };
  }

  /** CPU alone, for the peaks between two looks. */
  glance(timeMs: number): void {
    for (const { track, found } of this.#tracked.values()) {
      if (!track.isUp) continue;
      const cpuSeconds = found.cpuSecondsNow(track.pids);
      if (!Number.isNaN(cpuSeconds)) track.glance(cpuSeconds, timeMs);
    }
  }

  #see(instanceId: string, found: Found, reading: Reading, timeMs: number): SourceEvent[] {
    const { nodeId, diskUnit } = this.#options;
    const known = this.#tracked.get(instanceId);
    const limits = found.identity.limits ?? toAmounts(reading.limits);
    const registration = { ...found.identity, instanceId, nodeId, limits };
    const track = known?.track ?? new InstanceTrack(registration);
    const events: SourceEvent[] = [];
    if (known === undefined || isChanged(known.track.registration, registration)) {
      // Caps that are read are those of the first sight: later ones may be our own shrinks.
      const first = known?.track.registration.limits;
      track.registration =
        found.identity.limits === undefined && first !== undefined
          ? { ...registration, limits: first }
          : registration;
      events.push({ kind: "registered", registration: track.registration, timeMs });
    }
    if (known === undefined) this.#tracked.set(instanceId, { track, found });
    else known.found = found;
    const ageSeconds = (ticks: number) => this.#processes.ageSeconds(ticks);
    events.push(...track.see(reading, { timeMs, diskUnit, ageSeconds }));
    return events;
  }

  *#find(): Generator<Found> {
    for (const rule of this.#options.rules) {
      if (rule.kind === "managed") yield* this.#managed(rule.folder);
      else if (rule.kind === "cgroup") yield* this.#groupsOf(rule);
      else yield* this.#treesOf(rule);
    }
  }

  *#groupsOf(rule: CgroupRule): Generator<Found> {
    const identity = identityOf(rule);
    for (const { path, match } of this.#groups.find(rule.path)) {
      yield this.#group(path, fillTemplate(rule.instance ?? "$0", match), identity);
    }
  }

  *#treesOf(rule: TreeRule): Generator<Found> {
    const identity = identityOf(rule);
    for (const { root, match } of this.#trees.find(rule)) {
      const name = fillTemplate(rule.instance ?? rule.name, match);
      yield this.#tree(root.pid, root.startTicks, { name, identity });
    }
  }

  *#managed(folder: string): Generator<Found> {
    for (const record of new ManagedRecords(folder, this.#files).all()) {
      const { instanceId, cgroup, pid, startTicks, granted: _, ...identity } = record;
      if (cgroup !== undefined) yield this.#group(cgroup, instanceId, identity);
      else if (pid !== undefined && startTicks !== undefined) {
        yield this.#tree(pid, startTicks, { name: instanceId, identity });
      }
    }
  }

  #group(path: string, name: string, identity: Identity): Found {
    return {
      key: path,
      wantedName: name === "" ? path : name,
      identity,
      read: () => this.#groups.read(path),
      cpuSecondsNow: () => this.#groups.cpuSecondsNow(path),
    };
  }

  #tree(
    pid: number,
    startTicks: number,
    who: { readonly name: string; readonly identity: Identity },
  ): Found {
    const key = `${pid}@${startTicks}`;
    return {
      key,
      wantedName: who.name === "" ? key : who.name,
      identity: who.identity,
      read: () => this.#trees.read(pid, startTicks),
      cpuSecondsNow: (pids) => this.#processes.cpuSecondsNow(pids),
    };
  }

  /** Traffic of namespaces that one instance has for itself: in a shared one nobody's is known. */
  #networks(readings: readonly Reading[]): Map<Reading, number> {
    const users = new Map<string, { readonly reading: Reading; readonly pid: number }[]>();
    for (const reading of readings) {
      const [pid] = reading.processes.keys();
      const name = pid === undefined ? undefined : this.#processes.namespace(pid);
      if (pid === undefined || name === undefined) continue;
      users.set(name, [...(users.get(name) ?? []), { reading, pid }]);
    }
    const bytes = new Map<Reading, number>();
    for (const [first, ...others] of users.values()) {
      if (first === undefined || others.length > 0) continue;
      bytes.set(first.reading, this.#processes.networkBytes(first.pid));
    }
    return bytes;
  }
}

function identityOf(rule: CgroupRule | TreeRule): Identity {
  const { name, groupId = name, jobType, priority = 0, interruptible = true } = rule;
  const { limits, requested, typicalOutageMinutes } = rule;
  return {
    groupId,
    priority,
    interruptible,
    ...(jobType === undefined ? {} : { jobType }),
    ...(limits === undefined ? {} : { limits }),
    ...(requested === undefined ? {} : { requested }),
    ...(typicalOutageMinutes === undefined ? {} : { typicalOutageMinutes }),
  };
}

function toAmounts({ cores, memoryBytes }: ReadLimits): ResourceAmounts {
  return {
    ...(Number.isFinite(cores) ? { cpu: cores } : {}),
    ...(Number.isFinite(memoryBytes) ? { memory: memoryBytes / 2 ** 30 } : {}),
  };
}

/** Caps that are read may move; they are no news of their own. */
function isChanged(before: InstanceRegistration, now: InstanceRegistration): boolean {
  const { limits: _before, ...old } = before;
  const { limits: _now, ...fresh } = now;
  return JSON.stringify(old) !== JSON.stringify(fresh);
}
