/** What the coordinator works with; each may be the real thing or a simulated one. */
import type { LoadReader } from "../allocator/load.js";
import type { ResourceAllocator } from "../allocator/types.js";
import type { Engine, PriorityProvider } from "../engines/engine.js";
import type { Ledger } from "../ledger/ledger.js";
import type { IncarnationRecord } from "../ledger/records.js";
import type { Clock } from "../lib/clock.js";
import type { ProfileReader } from "../profiler/profile.js";
import type { HintBook } from "./hints.js";
import type { InstanceRegistry } from "./instances.js";
import type { RoomIndex } from "./room-index.js";
import type { CoordinatorPolicy } from "./types.js";

export interface CoordinatorPorts {
  readonly allocator: ResourceAllocator;
  readonly profiles: ProfileReader;
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly priorities: PriorityProvider;
  readonly clock: Clock;
  /** Written on each decision. */
  readonly modelVersion: () => string;
  /** What is measured, to hold claimed checkpoints against; without it none is believed. */
  readonly load?: LoadReader;
  /** Reads an instance's life; from the ledger when absent. */
  readonly lives?: (instanceId: string) => IncarnationRecord | undefined;
  /** Whom the operator wants left alone for now; asked for decisions that act, not for `consider`. */
  readonly isPinned?: (instanceId: string) => boolean;
}

/** The ports and what the coordinator itself owns. */
export interface CoordinatorContext extends CoordinatorPorts {
  readonly policy: CoordinatorPolicy;
  readonly instances: InstanceRegistry;
  readonly roomIndex: RoomIndex;
  readonly hints: HintBook;
}
