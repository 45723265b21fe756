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
import type { NoticeWatch } from "../sources/notices/notice-watch.js";
import { openApp } from "./app.js";
import { AuditLog } from "./audit.js";
import { TokenFile } from "./auth.js";
import type { ServiceConfig } from "./config/schema.js";
import type { DemoCluster } from "./demo/demo-cluster.js";
import { LearntStore } from "./learnt-store.js";
import { LiveHost } from "./live-host.js";
import { ServiceMetrics } from "./metrics.js";
import { openNoticeWatch } from "./notice-desk.js";
import { amountsOf, ServiceRuntime } from "./runtime.js";

export interface ServeOptions {
  readonly config: ServiceConfig;
  readonly version: string;
  readonly clock?: Clock;
  readonly engine?: Engine;
  readonly log?: Logger;
  /** A virtual cluster whose clock and engine are used, and which is played while it serves. */
  readonly demo?: DemoCluster;
}

export class Service {
  readonly runtime: ServiceRuntime;
  readonly app: FastifyInstance;
  readonly address: string;
  readonly metrics: ServiceMetrics;
  readonly log: Logger;
  readonly #tokens: TokenFile | undefined;
  readonly #audit: AuditLog | undefined;
  readonly #demo: DemoCluster | undefined;
  readonly #live: LiveHost | undefined;
  readonly #notices: NoticeWatch | undefined;
  readonly #learnt: LearntStore | undefined;
  #closing: Promise<void> | undefined;

  private constructor(parts: {
    readonly runtime: ServiceRuntime;
    readonly app: FastifyInstance;
    readonly address: string;
    readonly metrics: ServiceMetrics;
    readonly log: Logger;
    readonly tokens: TokenFile | undefined;
    readonly audit: AuditLog | undefined;
    readonly demo: DemoCluster | undefined;
    readonly live: LiveHost | undefined;
    readonly notices: NoticeWatch | undefined;
    readonly learnt: LearntStore | undefined;
  }) {
    this.runtime = parts.runtime;
    this.app = parts.app;
    this.address = parts.address;
    this.metrics = parts.metrics;
    this.log = parts.log;
    this.#tokens = parts.tokens;
    this.#audit = parts.audit;
    this.#demo = parts.demo;
    this.#live = parts.live;
    this.#notices = parts.notices;
    this.#learnt = parts.learnt;
  }

  /** @throws ERR_CONFIG and what the parts throw; then nothing is left open */
  static async open(options: ServeOptions): Promise<Service> {
    const { config, version, demo } = options;
    const clock = options.clock ?? demo?.clock ?? new SystemClock();
    const engine = options.engine ?? demo?.engine ?? engineOf(config);
    const log = options.log ?? pino({ level: config.log.level }, pino.destination(2));
    const tokens =
      config.auth.tokensFile === null ? undefined : new TokenFile(config.auth.tokensFile);
    const { folder, durability } = config.ledger;
    const ledger =
      folder === null ? new MemoryLedger() : await openLmdbLedger({ folder, durability });
    const audit = folder === null ? undefined : new AuditLog(join(folder, "..", "audit.jsonl"));
    const onError = (error: unknown) => log.error({ err: error }, "a turn failed");
    const isLive = config.source === "host" && demo === undefined;
    const live = isLive ? new LiveHost(config.host, onError) : undefined;
    const weightsFile = config.profiler.weights ?? shippedWeightsFile();
    const runtime = await ServiceRuntime.open({
      ledger,
      clock,
      engine,
      weights: weightsFile === undefined ? null : readWeights(weightsFile),
      instancesMax: config.profiler.instancesMax,
      workers: config.profiler.workers,
      policy: config.coordinator.policy,
      modes: config.modes,
      ...(live === undefined ? {} : { load: live.usage }),
    });
    const learnt = folder === null ? undefined : learntStore(folder, runtime, log);
    const metrics = new ServiceMetrics(runtime);
    addNodes(runtime, config);
    const parts = { runtime, config, metrics, log, version };
    const app = await openApp({
      ...parts,
      ...(tokens === undefined ? {} : { tokens }),
      ...(audit === undefined ? {} : { audit }),
    });
    if (demo !== undefined) demo.start(runtime, onError);
    else {
      runtime.start({
        profilerTickMs: config.profiler.tickSeconds * 1_000,
        coordinatorTickMs: config.coordinator.tickSeconds * 1_000,
        onError,
      });
    }
    learnt?.start(onError);
    await live?.start(runtime);
    const notices =
      demo === undefined ? openNoticeWatch(runtime, config.notices, onError) : undefined;
    const address = await app.listen({ host: config.listen.host, port: config.listen.port });
    return new Service({
      runtime,
      app,
      address,
      metrics,
      log,
      tokens,
      audit,
      demo,
      live,
      notices,
      learnt,
    });
  }

  /** What may change while it runs: modes and tokens. */
  reload(config: ServiceConfig): void {
    this.#tokens?.reload();
    this.runtime.setModes(config.modes);
    this.metrics.configValid.set(1);
  }

  /** Lets what is under way end, then closes everything. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    await this.app.close();
    await this.#demo?.stop();
    await this.#notices?.close();
    await this.#live?.close();
    await this.#learnt?.close();
    await this.runtime.close();
    this.#audit?.close();
  }
}

function engineOf({ engine, host }: ServiceConfig): Engine {
  if (engine === "dry-run") return new DryRunEngine();
  return new CgroupEngine({ folder: host.folder, graceMs: host.graceSeconds * 1_000 });
}

function learntStore(folder: string, { profiler }: ServiceRuntime, log: Logger): LearntStore {
  const learnt = new LearntStore(join(folder, "..", "learnt.bin"), profiler);
  const refused = learnt.restore();
  if (refused !== undefined) log.warn({ reason: refused }, "what was learnt is not taken up");
  return learnt;
}

function addNodes(runtime: ServiceRuntime, { nodes }: ServiceConfig): void {
  const known = new Set(runtime.allocator.nodeIds());
  for (const { nodeId, allocatable } of nodes) {
    const amounts = amountsOf(allocatable);
    if (known.has(nodeId)) runtime.allocator.resizeNode(nodeId, amounts);
    else runtime.allocator.addNode({ nodeId, allocatable: amounts });
  }
}
