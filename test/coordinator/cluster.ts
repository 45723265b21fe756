/** Two nodes and whoever a test puts there: real coordinator, allocator and ledger. */
import { PredictiveAllocator } from "../../host/allocator/allocator.js";
import type { LoadReader } from "../../host/allocator/load.js";
import { Coordinator } from "../../host/coordinator/coordinator.js";
import type { CoordinatorPolicy, CycleReport } from "../../host/coordinator/types.js";
import { compileBinary } from "../../host/core/binary.js";
import { DryRunEngine } from "../../host/engines/dry-run.js";
import type { Act, Engine } from "../../host/engines/engine.js";
import { StaticPriorities } from "../../host/engines/static-priorities.js";
import type { Ledger } from "../../host/ledger/ledger.js";
import { MemoryLedger } from "../../host/ledger/memory.js";
import { VirtualClock } from "../../host/lib/clock.js";
import type { InstanceRegistration } from "../../host/sources/sample.js";
import { FakeProfiles } from "../allocator/fakes.js";
import { NOW } from "./cases.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const module = compileBinary("release");

export interface ClusterOptions {
  readonly ledger?: Ledger;
  readonly engine?: Engine;
  readonly clock?: VirtualClock;
  readonly policy?: Partial<CoordinatorPolicy>;
  readonly load?: LoadReader;
  readonly reserve?: "pooled" | "sum";
}

export interface Tenant {
  readonly size: number;
  readonly need?: number;
  readonly keep?: number;
  readonly priority?: number;
  readonly groupId?: string;
  readonly interruptible?: boolean;
  readonly stopSeconds?: number;
  readonly checkpointSeconds?: number;
}

export class Cluster {
  readonly clock: VirtualClock;
  readonly ledger: Ledger;
  readonly profiles = new FakeProfiles();
  readonly priorities = new StaticPriorities();
  readonly dryRun = new DryRunEngine();
  readonly engine: Engine;
  readonly allocator: PredictiveAllocator;
  readonly coordinator: Coordinator;

  constructor(options: ClusterOptions = {}) {
    this.clock = options.clock ?? new VirtualClock(NOW);
    this.ledger = options.ledger ?? new MemoryLedger();
    this.engine = options.engine ?? this.dryRun;
    const { clock, ledger, profiles, priorities, engine } = this;
    const { reserve = "pooled" } = options;
    const ports = { profiles, ledger, clock, module };
    this.allocator = new PredictiveAllocator({
      ...ports,
      debug: true,
      reserve,
      shrinkAfterTicks: 0,
    });
    this.coordinator = new Coordinator({
      allocator: this.allocator,
      profiles,
      ledger,
      engine,
      priorities,
      clock,
      modelVersion: () => "test@0",
      ...(options.policy === undefined ? {} : { policy: options.policy }),
      ...(options.load === undefined ? {} : { load: options.load }),
    });
  }

  node(nodeId: string, cores: number): this {
    this.allocator.addNode({ nodeId, allocatable: [cores, cores, 100, 100] });
    return this;
  }

  tenant(instanceId: string, nodeId: string, tenant: Tenant): this {
    const { size, groupId = "g" } = tenant;
    this.know(instanceId, nodeId, tenant);
    this.allocator.allocate(instanceId, groupId, nodeId, [size, size, 1, 1]);
    return this;
  }

  /** Registers without an allocation, as a new process does that has its books restored. */
  know(instanceId: string, nodeId: string, tenant: Tenant): this {
    const { size, need = size, keep = size, priority = 0 } = tenant;
    const { stopSeconds, checkpointSeconds } = tenant;
    const registration: InstanceRegistration = {
      instanceId,
      groupId: tenant.groupId ?? "g",
      nodeId,
      priority,
      interruptible: tenant.interruptible ?? true,
      ...(stopSeconds === undefined ? {} : { stopSeconds }),
      ...(checkpointSeconds === undefined ? {} : { checkpointSeconds }),
    };
    this.profiles.set(instanceId, { need: [need, need, 1, 1], keep: [keep, keep, 1, 1] });
    this.priorities.set(instanceId, priority);
    this.coordinator.register(registration, this.clock.nowMs() - 3 * HOUR_MS);
    return this;
  }

  after(minutes: number): Promise<CycleReport> {
    this.clock.advanceTo(this.clock.nowMs() + minutes * MINUTE_MS);
    return this.coordinator.tick();
  }

  acts(): Act[] {
    return [...this.dryRun.acts];
  }
}
