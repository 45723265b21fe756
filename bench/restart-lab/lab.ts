/**
 * The lab: real programs under the live source, interrupted by the real coordinator through the
 * real engine and started again inside what they were granted. The lab's time runs `factor` times as
 * fast as the clock; every time below is the lab's unless it says otherwise.
 */
import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import { Coordinator } from "../../host/coordinator/coordinator.js";
import { CgroupEngine } from "../../host/engines/cgroup/cgroup-engine.js";
import { StaticPriorities } from "../../host/engines/static-priorities.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { present } from "../../host/lib/assert.js";
import { type Clock, sleep } from "../../host/lib/clock.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { readWeights } from "../../host/model/weights.js";
import { Profiler } from "../../host/profiler/profiler.js";
import { HostSource } from "../../host/sources/host/host-source.js";
import { findCgroupRoot } from "../../host/sources/host/mounts.js";
import type { InstanceRegistration, Sample, SourceEvent } from "../../host/sources/sample.js";
import { LabActor } from "./actor.js";
import { type LabResult, ResultFile } from "./results.js";
import { LAB_GROUP, ROSTER } from "./roster.js";

export interface LabOptions {
  readonly folder: string;
  readonly seed: number;
  readonly factor: number;
  readonly runs: number;
  readonly onResult: (result: LabResult, done: number, all: number) => void;
}

const NODE = "lab";
/** More than all of them need: here it is the need that is measured, not the scarcity. */
const ALLOCATABLE = [64, 256, 1_000, 10_000];
const LOOK_MS = 1_000;
const START_MS = Date.UTC(2026, 0, 5);
const GRACE_MS = 500;

class LabClock implements Clock {
  readonly #factor: number;
  readonly #realMs = Date.now();

  constructor(factor: number) {
    this.#factor = factor;
  }

  nowMs(): number {
    return this.at(Date.now());
  }

  at(realMs: number): number {
    return START_MS + (realMs - this.#realMs) * this.#factor;
  }
}

export class Lab {
  readonly clock: LabClock;
  readonly profiler: Profiler;
  readonly coordinator: Coordinator;
  readonly allocator: PredictiveAllocator;
  readonly options: LabOptions;
  readonly records: string;
  readonly cgroupRoot = findCgroupRoot();
  readonly #engine: CgroupEngine;
  readonly #source: HostSource;
  readonly #file: ResultFile;
  readonly #actors = new Map<string, LabActor>();
  #done = 0;

  constructor(options: LabOptions) {
    this.options = options;
    mkdirSync(options.folder, { recursive: true });
    this.records = join(options.folder, "records");
    mkdirSync(this.records, { recursive: true });
    this.#file = new ResultFile(join(options.folder, "results.jsonl"));
    this.clock = new LabClock(options.factor);
    const { clock } = this;
    const weights = readWeights(present(shippedWeightsFile(), "the weights that ship"));
    const ledger = new MemoryLedger();
    this.profiler = Profiler.open({
      maxInstances: 16,
      weights,
      workers: 0,
      clock,
      beside: ["vpa"],
    });
    const profiles = this.profiler;
    this.allocator = new PredictiveAllocator({ profiles, ledger, clock });
    this.allocator.addNode({ nodeId: NODE, allocatable: ALLOCATABLE });
    this.#engine = new CgroupEngine({ folder: this.records, graceMs: GRACE_MS });
    this.coordinator = new Coordinator({
      allocator: this.allocator,
      profiles,
      ledger,
      engine: this.#engine,
      priorities: new StaticPriorities(ROSTER.map(({ name }) => [name, 100] as const)),
      clock,
      modelVersion: () => weights.version,
      policy: { coolDownMinutes: 0, retryMsMin: 1_000 },
    });
    this.#source = new HostSource({
      nodeId: NODE,
      rules: [{ kind: "managed", folder: this.records }],
      intervalSeconds: 1,
    });
  }

  /** Plays until every program was restarted `runs` times. What is in the folder is not done again. */
  async run(): Promise<readonly LabResult[]> {
    const before = this.#file.read();
    this.#done = before.length;
    for (const program of ROSTER) {
      const { limits } = program;
      const registration: InstanceRegistration = {
        instanceId: program.name,
        groupId: program.name,
        nodeId: NODE,
        jobType: program.name,
        priority: 100,
        interruptible: true,
        limits: { cpu: limits.cpu, memory: limits.memory },
        requested: limits,
      };
      this.profiler.register(registration);
      const amounts = [limits.cpu, limits.memory, limits.network, limits.disk];
      this.allocator.allocate(program.name, program.name, NODE, amounts);
      this.coordinator.register(registration, this.clock.nowMs());
      const own = before.filter((result) => result.program === program.name);
      for (const result of own) this.#teach(result);
      this.#actors.set(program.name, new LabActor(this, program, own.length));
    }
    try {
      for (const actor of this.#actors.values()) await actor.start();
      await this.#play();
    } finally {
      for (const actor of this.#actors.values()) await actor.end();
      await this.#source.close();
      await this.coordinator.close();
      await this.#engine.close();
      await this.profiler.close();
      this.#removeGroups();
    }
    return this.#file.read();
  }

  /** A restart is over: written down, learnt from unless it is held out. */
  finish(result: LabResult): void {
    this.#file.add(result);
    this.#teach(result);
    this.#done++;
    this.options.onResult(result, this.#done, this.options.runs * ROSTER.length);
  }

  async #play(): Promise<void> {
    const actors = [...this.#actors.values()];
    for (let nextMs = Date.now(); actors.some(({ isDone }) => !isDone); ) {
      for (const event of await this.#source.look()) this.#take(event);
      await this.profiler.tick();
      const report = await this.coordinator.tick();
      const failure = report.engineFailures[0] ?? report.invariantFailures[0];
      if (failure !== undefined) throw new Error(`the lab's cycle failed: ${failure}`);
      for (const actor of actors) await actor.turn(report);
      nextMs = Math.max(nextMs + LOOK_MS, Date.now());
      await sleep(nextMs - Date.now());
    }
  }

  #take(event: SourceEvent): void {
    if (event.kind === "registered") return;
    if (event.kind === "sample") {
      const sample = this.#toLabTime(event.sample);
      this.profiler.offer(sample);
      this.#actors.get(sample.instanceId)?.sampled(sample);
      return;
    }
    const timeMs = this.clock.at(event.timeMs);
    const actor = this.#actors.get(event.instanceId);
    if (event.kind === "stopped") {
      if (!this.profiler.isRunning(event.instanceId)) return;
      this.profiler.stopped(event.instanceId, timeMs, "interrupted");
    } else {
      this.profiler.restarted(event.instanceId, timeMs);
      actor?.restarted(timeMs);
    }
  }

  #removeGroups(): void {
    const base = join(this.cgroupRoot ?? "", LAB_GROUP);
    if (this.cgroupRoot === undefined || !existsSync(base)) return;
    const groups = ROSTER.map(({ name }) => join(base, name)).filter((group) => existsSync(group));
    for (const group of [...groups, base]) {
      try {
        rmdirSync(group);
      } catch (error) {
        // A process that was just ended may not be collected yet; an empty group costs nothing.
        if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
      }
    }
  }

  #toLabTime(sample: Sample): Sample {
    const { sinceLaunchSeconds, networkMbps: _, ...rest } = sample;
    return {
      ...rest,
      timeMs: this.clock.at(sample.timeMs),
      ...(sinceLaunchSeconds === undefined
        ? {}
        : { sinceLaunchSeconds: sinceLaunchSeconds * this.options.factor }),
    };
  }

  #teach({ program, heldOut, restartedMs, peaks, predicted, rung }: LabResult): void {
    if (heldOut) return;
    const known = peaks.map((peak) => peak ?? Number.NaN);
    this.profiler.outcome({ instanceId: program, restartedMs, peaks: known, predicted, rung });
  }
}
