/** Everything that `reprise serve` opens, in order, and closes in the reverse one. */
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { type Logger, pino } from "pino";
import { CgroupEngine } from "../engines/cgroup/cgroup-engine.js";
import { DryRunEngine } from "../engines/dry-run.js";
import type { Engine } from "../engines/engine.js";
import { openLmdbLedger } from "../ledger/lmdb.js";
import { MemoryLedger } from "../ledger/memory.js";
import { type Clock, SystemClock } from "../lib/clock.js";
import { shippedWeightsFile } from "../model/shipped-weights.js";
import { readWeights } from "../model/weights.js";
import { openApp } from "./app.js";
import { AuditLog } from "./audit.js";
import { TokenFile } from "./auth.js";
import { type ConfigChanges, changesOf } from "./config/changes.js";
import type { ServiceConfig } from "./config/schema.js";
import type { DemoCluster } from "./demo/demo-cluster.js";
import { type KeptContent, KeptFile } from "./kept-file.js";
import { learntContent } from "./learnt-content.js";
import { LiveHost } from "./live-host.js";
import { ServiceMetrics } from "./metrics.js";
import { type NoticeDesk, openNoticeDesk } from "./notice-desk.js";
import { PushIntake } from "./push-intake.js";
import { amountsOf, ServiceRuntime } from "./runtime.js";
import { viewContent } from "./view-content.js";

export interface ServeOptions {
  readonly config: ServiceConfig;
  readonly version: string;
  readonly clock?: Clock;
  readonly engine?: Engine;
  readonly log?: Logger;
  /** A virtual cluster whose clock and engine are used, and which is played while it serves. */
  readonly demo?: DemoCluster;
}

interface Parts {
  readonly config: ServiceConfig;
  readonly runtime: ServiceRuntime;
  readonly app: FastifyInstance;
  readonly metrics: ServiceMetrics;
  readonly log: Logger;
  readonly onError: (error: unknown) => void;
  readonly tokens: TokenFile | undefined;
  readonly audit: AuditLog | undefined;
  readonly demo: DemoCluster | undefined;
  readonly live: LiveHost | undefined;
  readonly learnt: KeptFile | undefined;
  readonly views: KeptFile | undefined;
  readonly pushed: PushIntake;
}

export class Service {
  readonly runtime: ServiceRuntime;
  readonly app: FastifyInstance;
  readonly metrics: ServiceMetrics;
  readonly log: Logger;
  readonly #parts: Parts;
  #address = "";
  #config: ServiceConfig;
  #notices: NoticeDesk | undefined;
  #closing: Promise<void> | undefined;
  #reloading: Promise<void> = Promise.resolve();

  private constructor(parts: Parts) {
    this.runtime = parts.runtime;
    this.app = parts.app;
    this.metrics = parts.metrics;
    this.log = parts.log;
    this.#parts = parts;
    this.#config = parts.config;
  }

  /** Where it listens. */
  get address(): string {
    return this.#address;
  }

  /** @throws ERR_CONFIG and what the parts throw; then nothing is left open */
  static async open(options: ServeOptions): Promise<Service> {
    const service = new Service(await openParts(options));
    try {
      await service.#start();
    } catch (error) {
      await service.close();
      throw error;
    }
    return service;
  }

  async #start(): Promise<void> {
    const { app, runtime, config, demo, live, learnt, views, onError } = this.#parts;
    this.#tellMended();
    if (demo !== undefined) demo.start(runtime, onError);
    else {
      runtime.start({
        profilerTickMs: config.profiler.tickSeconds * 1_000,
        coordinatorTickMs: config.coordinator.tickSeconds * 1_000,
        onError,
      });
      this.#notices = openNoticeDesk(runtime, config.notices, onError);
    }
    learnt?.start(onError);
    views?.start(onError);
    await live?.start(runtime);
    const { host, port } = config.listen;
    this.#address = await app.listen({ host, port });
  }

  /**
   * Takes up what may change while it runs: tokens, how this machine is watched, modes, nodes (none
   * is removed), push, notices and the level of the log. The rest waits for a restart.
   *
   * @throws what tokens, the machine or nodes throw; then what was in force stays, but for what was
   *   taken up before: tokens, the machine, nodes, in this order
   */
  reload(config: ServiceConfig): Promise<ConfigChanges> {
    const reloaded = this.#reloading.then(() => this.#reload(config));
    this.#reloading = reloaded.then(
      () => {},
      // Whoever asked hears of it; the next one is not held up.
      () => {},
    );
    return reloaded;
  }

  async #reload(config: ServiceConfig): Promise<ConfigChanges> {
    const { tokens, log, metrics, runtime, pushed, live, onError } = this.#parts;
    tokens?.reload();
    const changes = changesOf(this.#parts.config, this.#config, config);
    if (changes.live.includes("host")) await live?.reconfigure(runtime, config.host);
    if (changes.live.includes("nodes")) addNodes(runtime, config);
    this.#config = config;
    runtime.setModes(config.modes);
    log.level = config.log.level;
    if (changes.live.includes("push")) await pushed.reconfigure(config.push);
    if (changes.live.includes("notices") && this.#parts.demo === undefined) {
      await this.#notices?.close();
      this.#notices = openNoticeDesk(runtime, config.notices, onError);
    }
    metrics.configValid.set(1);
    metrics.configWaiting.set(changes.needsRestart.length);
    const { needsRestart } = changes;
    runtime.events.publish({ kind: "config", needsRestart }, runtime.clock.nowMs());
    log.info(changes, "the configuration was read again");
    return changes;
  }

  /** What a crash left of the audit log is on record. */
  #tellMended(): void {
    const { audit, log, metrics, runtime } = this.#parts;
    const bytes = audit?.removedBytes ?? 0;
    if (audit === undefined || bytes === 0) return;
    const timeMs = runtime.clock.nowMs();
    log.warn({ bytes }, "a line cut short was taken off the audit log");
    metrics.auditMended.set(bytes);
    const outcome = `${bytes} bytes of a line cut short`;
    audit.append({ timeMs, caller: "reprise", action: "mend", subject: "audit log", outcome });
    runtime.events.publish({ kind: "audit-mended", bytes }, timeMs);
  }

  /** Lets what is under way end, then closes everything. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const { demo, live, learnt, views, audit, pushed, onError } = this.#parts;
    await this.app.close();
    await this.#reloading;
    await pushed.close();
    await demo?.stop();
    // What cannot be closed well, or saved on a full disk, keeps nothing else open.
    await this.#notices?.close().catch(onError);
    await live?.close().catch(onError);
    await learnt?.close().catch(onError);
    await views?.close().catch(onError);
    try {
      await this.runtime.close();
    } finally {
      audit?.close();
    }
  }
}

/** Everything but what ticks, watches or listens. */
async function openParts(options: ServeOptions): Promise<Parts> {
  const { config, version, demo } = options;
  const clock = options.clock ?? demo?.clock ?? new SystemClock();
  const engine = options.engine ?? demo?.engine ?? engineOf(config);
  const log = options.log ?? pino({ level: config.log.level }, pino.destination(2));
  const onError = (error: unknown) => log.error({ err: error }, "a turn failed");
  const { tokensFile } = config.auth;
  const tokens = tokensFile === null ? undefined : new TokenFile(tokensFile);
  const { folder, durability } = config.ledger;
  const weightsFile = config.profiler.weights ?? shippedWeightsFile();
  const weights = weightsFile === undefined ? null : readWeights(weightsFile);
  const ledger =
    folder === null ? new MemoryLedger() : await openLmdbLedger({ folder, durability });
  const audit = folder === null ? undefined : openAudit(folder, config.ledger.auditMiB);
  const isLive = config.source === "host" && demo === undefined;
  const live = isLive ? new LiveHost(config.host, onError) : undefined;
  const runtime = await ServiceRuntime.open({
    ledger,
    clock,
    engine,
    weights,
    instancesMax: config.profiler.instancesMax,
    workers: config.profiler.workers,
    policy: config.coordinator.policy,
    modes: config.modes,
    retention: config.ledger,
    ...(live === undefined ? {} : { load: live.usage }),
  });
  const beside = (name: string, content: KeptContent, what: string) =>
    folder === null ? undefined : keptFile(join(folder, "..", name), content, { log, what });
  const learnt = beside("learnt.bin", learntContent(runtime.profiler), "what was learnt");
  const views = beside("views.json", viewContent(runtime), "what was shown");
  const metrics = new ServiceMetrics(runtime);
  addNodes(runtime, config);
  const pushed = new PushIntake({ runtime, metrics }, config.push, onError);
  const app = await openApp({
    ...{ runtime, config, metrics, pushed, log, version },
    ...(tokens === undefined ? {} : { tokens }),
    ...(audit === undefined ? {} : { audit }),
  }).catch(async (error: unknown) => {
    await pushed.close();
    throw error;
  });
  const running = { config, runtime, app, metrics, log, onError, pushed };
  return { ...running, tokens, audit, demo, live, learnt, views };
}

function openAudit(folder: string, mib: number): AuditLog {
  return new AuditLog(join(folder, "..", "audit.jsonl"), mib * 2 ** 20);
}

function engineOf({ engine, host }: ServiceConfig): Engine {
  if (engine === "dry-run") return new DryRunEngine();
  return new CgroupEngine({ folder: host.folder, graceMs: host.graceSeconds * 1_000 });
}

/** Opens a file beside the ledger and takes it up; `what` is told when it cannot be. */
function keptFile(
  file: string,
  content: KeptContent,
  told: { log: Logger; what: string },
): KeptFile {
  const kept = new KeptFile(file, content);
  const refused = kept.restore();
  if (refused !== undefined) told.log.warn({ reason: refused }, `${told.what} is not taken up`);
  return kept;
}

function addNodes(runtime: ServiceRuntime, { nodes }: ServiceConfig): void {
  const known = new Set(runtime.allocator.nodeIds());
  for (const { nodeId, allocatable } of nodes) {
    const amounts = amountsOf(allocatable);
    if (known.has(nodeId)) runtime.allocator.resizeNode(nodeId, amounts);
    else runtime.allocator.addNode({ nodeId, allocatable: amounts });
  }
}
