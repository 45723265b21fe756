import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CycleReport } from "../../host/coordinator/types.js";
import { needColumn, PHASE_COUNT, PHASE_END_MINUTES, RESOURCE_COUNT } from "../../host/core/abi.js";
import { type Launched, launchManaged } from "../../host/engines/cgroup/launch.js";
import { Prng } from "../../host/lib/prng.js";
import { RestartTruth } from "../../host/replay/restart-truth.js";
import type { Sample } from "../../host/sources/sample.js";
import type { Lab } from "./lab.js";
import type { LabResult } from "./results.js";
import { HELD_OUT_SHARE, LAB_GROUP, type LabProgram, OUTAGES } from "./roster.js";

const MINUTE_MS = 60_000;
const HOUR_MINUTES = PHASE_END_MINUTES.at(-1) ?? 60;
/** After the hour that is compared it runs this much longer at most before it is interrupted. */
const LONGER_MINUTES_MAX = 25;

type Prediction = Pick<LabResult, "predicted" | "network" | "vpa" | "rung" | "typeRestarts">;

/** One program of the lab: its process, its lives, what was said and what came. */
export class LabActor {
  readonly #lab: Lab;
  readonly #program: LabProgram;
  readonly #prng: Prng;
  readonly #outages: readonly number[];
  readonly #heldOut: ReadonlySet<number>;
  #launched: Launched | undefined;
  #run: number;
  #truth: RestartTruth | undefined;
  #prediction: Prediction | undefined;
  #askAtMs: number;
  /** Asked for and not decided yet, or decided and still up. */
  #isAsked = false;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(lab: Lab, program: LabProgram, runsDone: number) {
    this.#lab = lab;
    this.#program = program;
    this.#run = runsDone;
    const { seed, runs } = lab.options;
    const salt = [...program.name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), seed);
    const prng = new Prng(salt);
    const heldCount = Math.round(OUTAGES.length * HELD_OUT_SHARE);
    this.#heldOut = new Set(prng.shuffle([...OUTAGES]).slice(0, heldCount));
    // Each outage as often as the others, in an order of chance.
    const all = Array.from({ length: runs }, (_, index) => OUTAGES[index % OUTAGES.length] ?? 10);
    this.#outages = prng.shuffle(all);
    this.#prng = prng;
    this.#askAtMs = lab.clock.nowMs() + this.#minutes(HOUR_MINUTES / 2, LONGER_MINUTES_MAX);
  }

  get isDone(): boolean {
    return this.#run >= this.#lab.options.runs;
  }

  async start(): Promise<void> {
    const { folder, factor, seed } = this.#lab.options;
    const { name, limits } = this.#program;
    const script = fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));
    const words = [join(folder, name), String(factor), String(seed + this.#run)];
    this.#launched = await launchManaged({
      record: {
        instanceId: name,
        groupId: name,
        jobType: name,
        priority: 100,
        interruptible: true,
        limits: { cpu: limits.cpu, memory: limits.memory },
      },
      command: [process.execPath, script, ...words],
      folder: this.#lab.records,
      cgroupRoot: this.#lab.cgroupRoot,
      base: LAB_GROUP,
      stdio: ["ignore", "ignore", "inherit"],
    });
  }

  async end(): Promise<void> {
    const child = this.#launched?.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const over = once(child, "exit");
    child.kill("SIGKILL");
    await over;
  }

  sampled(sample: Sample): void {
    const { cpuCores, memoryGiB, networkMbps, disk } = sample;
    const usage = [cpuCores, memoryGiB, networkMbps, disk].map((value) => value ?? Number.NaN);
    this.#truth?.add(sample.timeMs, usage);
  }

  restarted(timeMs: number): void {
    this.#truth = new RestartTruth(timeMs);
  }

  async turn(report: CycleReport): Promise<void> {
    const nowMs = this.#lab.clock.nowMs();
    const isUp = this.#isUp;
    if (this.#truth?.isOver(nowMs) === true) this.#compare(this.#truth, nowMs);
    if (isUp && !this.#isAsked && nowMs >= this.#askAtMs && !this.isDone) this.#ask(nowMs);
    const refused = report.decisions.find(
      ({ requestId, kind }) => requestId === this.#requestId && kind === "refuse",
    );
    if (refused !== undefined) throw new Error(`refused: ${refused.reasons[0]?.text}`);
    if (!isUp && !this.#isAsked) throw new Error(`${this.#program.name} ended by itself`);
    if (!isUp && this.#dueMs === Number.POSITIVE_INFINITY) {
      this.#dueMs = nowMs + this.#outage * MINUTE_MS;
    }
    if (!isUp && nowMs >= this.#dueMs && !this.#lab.profiler.isRunning(this.#program.name)) {
      await this.#comeBack(nowMs);
    }
  }

  get #isUp(): boolean {
    const child = this.#launched?.child;
    return child?.exitCode === null && child.signalCode === null;
  }

  get #outage(): number {
    return this.#outages[this.#run] ?? 10;
  }

  get #requestId(): string {
    return `${this.#program.name}-${this.#run}`;
  }

  /** What is said of the restart is written down before anything happens. */
  #ask(nowMs: number): void {
    const { profiler, coordinator } = this.#lab;
    const { name } = this.#program;
    const outageMinutes = this.#outage;
    const profile = profiler.profile(name, { outageMinutes, beside: "vpa" });
    const alone = profile.rung === 0 ? profiler.networkAnswer(name, outageMinutes) : null;
    this.#prediction = {
      predicted: [...profile.envelope],
      network: alone === null ? null : [...alone.envelope],
      vpa: [...(profile.beside?.envelope ?? [])],
      rung: profile.rung,
      typeRestarts: profile.trackers?.typeRestarts ?? 0,
    };
    coordinator.submit({
      kind: "interrupt",
      requestId: this.#requestId,
      receivedMs: nowMs,
      instanceId: name,
      outageMinutes,
    });
    this.#isAsked = true;
    this.#dueMs = Number.POSITIVE_INFINITY;
  }

  /** The room is granted and its limits are set before the process is started. */
  async #comeBack(nowMs: number): Promise<void> {
    const { coordinator } = this.#lab;
    await coordinator.restarted(this.#program.name, nowMs);
    await coordinator.tick();
    await this.start();
    this.#isAsked = false;
    this.#askAtMs = nowMs + this.#minutes(HOUR_MINUTES + 4, LONGER_MINUTES_MAX);
  }

  #compare(truth: RestartTruth, nowMs: number): void {
    this.#truth = undefined;
    const prediction = this.#prediction;
    if (prediction === undefined || this.isDone) return;
    const { limits } = this.#program;
    const amounts = [limits.cpu, limits.memory, limits.network, limits.disk];
    const columns = Array.from({ length: RESOURCE_COUNT * PHASE_COUNT }, (_, column) => column);
    const flat = new Array<number>(columns.length).fill(0);
    amounts.forEach((amount, resource) => {
      for (let phase = 0; phase < PHASE_COUNT; phase++) flat[needColumn(resource, phase)] = amount;
    });
    const peaks = truth.peaks(nowMs);
    const result: LabResult = {
      program: this.#program.name,
      run: this.#run,
      outageMinutes: this.#outage,
      heldOut: this.#heldOut.has(this.#outage),
      restartedMs: truth.restartedMs,
      ...prediction,
      limits: flat,
      peaks: peaks.map((peak) => (Number.isNaN(peak) ? null : peak)),
    };
    this.#prediction = undefined;
    this.#lab.finish(result);
    this.#run++;
  }

  #minutes(least: number, more: number): number {
    return (least + this.#prng.uniform() * more) * MINUTE_MS;
  }
}
