/**
 * Feeds a runtime with this machine: who is there, what they use, when they end and come back.
 *
 * Non-goals: acting, which is the engine's; choosing instances, which the rules do.
 */
import { RESOURCES } from "../core/abi.js";
import { sleep } from "../lib/clock.js";
import { isRepriseError } from "../lib/errors.js";
import { HostSource } from "../sources/host/host-source.js";
import { allocatableOf, HostUsage } from "../sources/host/host-usage.js";
import { Machine } from "../sources/host/machine.js";
import type { InstanceRegistration, Sample, SourceEvent } from "../sources/sample.js";
import type { ServiceConfig } from "./config/schema.js";
import type { ServiceRuntime } from "./runtime.js";

const RETRY_MS = 5_000;

type OnError = (error: unknown) => void;

export class LiveHost {
  /** For the runtime's pools. */
  readonly usage: HostUsage;
  readonly #machine: Machine;
  readonly #onError: OnError;
  #config: ServiceConfig["host"];
  #source: HostSource;
  /** Registered, and what they hold is not known before their first sample. */
  readonly #unplaced = new Set<string>();
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  /** @param onError hears what goes wrong while it watches, which goes on. @throws ERR_CONFIG */
  constructor(config: ServiceConfig["host"], onError: OnError, machine = new Machine()) {
    this.#config = config;
    this.#onError = onError;
    this.#machine = machine;
    this.usage = new HostUsage(config.nodeId, machine);
    this.#source = this.#sourceOf(config);
  }

  #sourceOf({ nodeId, rules, folder, intervalSeconds }: ServiceConfig["host"]): HostSource {
    return new HostSource({
      nodeId,
      intervalSeconds,
      rules: rules.length > 0 ? rules : [{ kind: "managed", folder }],
      onLook: () => this.usage.refresh().catch(this.#onError),
    });
  }

  /** Makes the machine a node and begins to watch. @throws ERR_SAMPLE_UNAVAILABLE */
  async start(runtime: ServiceRuntime): Promise<void> {
    await this.#size(runtime, this.#config);
    this.#running = this.#watch(runtime, this.#source);
  }

  /**
   * Goes on by other intervals, rules and sizes; `nodeId`, `folder` and `graceSeconds` have to be the
   * same. Who is no instance by the new rules stays registered, and is not looked at any more. By
   * the rules before there is a last look; whoever ends between it and the first one by the new
   * rules is found out by its restart.
   *
   * @throws ERR_CONFIG, ERR_SAMPLE_UNAVAILABLE; then it goes on as before
   */
  async reconfigure(runtime: ServiceRuntime, config: ServiceConfig["host"]): Promise<void> {
    const [before, source] = [this.#source, this.#sourceOf(config)];
    try {
      await this.#size(runtime, config);
    } catch (error) {
      await source.close();
      throw error;
    }
    this.#config = config;
    this.#source = source;
    before.finish();
    await this.#running;
    this.#running = this.#watch(runtime, source);
    await before.close();
  }

  async #size({ allocator }: ServiceRuntime, config: ServiceConfig["host"]): Promise<void> {
    const allocatable = allocatableOf(await this.#machine.capacity(), config);
    const { nodeId } = config;
    if (allocator.hasNode(nodeId)) allocator.resizeNode(nodeId, allocatable);
    else allocator.addNode({ nodeId, allocatable });
  }

  /** Ends after the event under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#source.close();
    await this.#running;
  }

  async #watch(runtime: ServiceRuntime, source: HostSource): Promise<void> {
    const isOver = () => this.#closed || this.#source !== source;
    while (!isOver()) {
      try {
        // Another source's turn comes when this one has told what it saw.
        for await (const event of source) {
          if (this.#closed) return;
          await this.#take(runtime, event).catch(this.#onError);
        }
      } catch (error) {
        if (this.#closed) return;
        this.#onError(error);
        if (!isOver()) await sleep(RETRY_MS);
      }
    }
  }

  async #take(runtime: ServiceRuntime, event: SourceEvent): Promise<void> {
    this.usage.note(event);
    switch (event.kind) {
      case "registered":
        return this.#register(runtime, event.registration);
      case "sample":
        return this.#sample(runtime, event.sample);
      case "stopped":
        this.#unplaced.delete(event.instanceId);
        return runtime.stopped(event.instanceId, event.timeMs, event.cause);
      case "restarted":
        await runtime.restarted(event.instanceId, event.timeMs);
    }
  }

  #register(runtime: ServiceRuntime, registration: InstanceRegistration): void {
    const { instanceId } = registration;
    runtime.register(registration);
    if (runtime.allocator.allocationOf(instanceId) === undefined) this.#unplaced.add(instanceId);
  }

  async #sample(runtime: ServiceRuntime, sample: Sample): Promise<void> {
    const { instanceId, timeMs } = sample;
    if (!runtime.profiler.has(instanceId)) return;
    // It ended and came back while nobody looked: the source began anew, the ledger remembers.
    if (!runtime.profiler.isRunning(instanceId)) {
      const launchedMs = Math.floor(timeMs - (sample.sinceLaunchSeconds ?? 0) * 1_000);
      const { downSinceMs = 0 } = runtime.profiler.incarnation(instanceId);
      await runtime.restarted(
        instanceId,
        Math.min(timeMs - 1, Math.max(launchedMs, downSinceMs + 1)),
      );
      this.#unplaced.delete(instanceId);
    }
    if (this.#unplaced.delete(instanceId)) place(runtime, sample);
    runtime.offer([sample]);
  }
}

/** It holds its caps, else what it asked for, else what it uses; no more than it uses if tight. */
function place(runtime: ServiceRuntime, sample: Sample): void {
  const { instanceId } = sample;
  const { groupId, nodeId, limits, requested } = runtime.profiler.registration(instanceId);
  const {
    cpuCores = 0,
    memoryGiB = 0,
    footprintGiB = memoryGiB,
    networkMbps = 0,
    disk = 0,
  } = sample;
  const used = [cpuCores, footprintGiB, networkMbps, disk];
  const held = RESOURCES.map((name, r) => limits?.[name] ?? requested?.[name] ?? used[r] ?? 0);
  try {
    runtime.allocator.allocate(instanceId, groupId, nodeId, held);
  } catch (error) {
    if (!isRepriseError(error) || error.code !== "ERR_NO_ROOM") throw error;
    runtime.allocator.allocate(instanceId, groupId, nodeId, used);
  }
}
