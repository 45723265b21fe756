/** What the allocator is made of, put together once. */
import { compileBinary } from "../core/binary.js";
import type { Ledger } from "../ledger/ledger.js";
import type { ReservationRecord } from "../ledger/records.js";
import type { Clock } from "../lib/clock.js";
import type { ProfileReader } from "../profiler/profile.js";
import { Book } from "./book.js";
import { DonorWatch } from "./donor-watch.js";
import { Donors } from "./donors.js";
import { FitTable } from "./fit-table.js";
import { Journal } from "./journal.js";
import { Leases } from "./leases.js";
import { type LoadReader, NO_LOAD } from "./load.js";
import { Placement } from "./placement.js";
import { SHRINK_AFTER_TICKS } from "./policy.js";
import { PoolWatch } from "./pool-watch.js";
import { Pooling } from "./pooling.js";
import { Pools } from "./pools.js";
import { Requests } from "./requests.js";
import { Retention } from "./retention.js";
import { Targets } from "./targets.js";
import { Tenancy } from "./tenancy.js";
import { WaterFill } from "./water-fill.js";

export interface AllocatorOptions {
  readonly profiles: ProfileReader;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly load?: LoadReader;
  /** Whose restart needs size the pools; everybody when absent. */
  readonly isInterruptible?: (instanceId: string) => boolean;
  /** The core's unshared binary; compiled here when absent. */
  readonly module?: WebAssembly.Module;
  /**
   * What the leases of a node hold together: the sum of what each holds, or less, since not all
   * will need all of theirs at once (decision record 0012).
   */
  readonly reserve?: "pooled" | "sum";
  /** For how many ticks a donor must have held clearly more than it needs; 0: nobody is watched. */
  readonly shrinkAfterTicks?: number;
  /**
   * Over how long a reading of everybody's needs is spread, ms; a target may get twice as old. 0:
   * all of it on every tick.
   */
  readonly targetsEveryMs?: number;
  /** Check every invariant before each commit. */
  readonly debug?: boolean;
}

export interface AllocatorParts {
  readonly journal: Journal;
  readonly book: Book;
  readonly tenancy: Tenancy;
  readonly leases: Leases;
  readonly table: FitTable;
  readonly placement: Placement;
  readonly donors: Donors;
  readonly donorWatch: DonorWatch;
  readonly targets: Targets;
  readonly pools: Pools;
  readonly requests: Requests;
  readonly poolWatch: PoolWatch;
  readonly retention: Retention;
}

/** `ended`: finds a lease that is no longer live. */
export function openParts(
  options: AllocatorOptions,
  ended: (reservationId: string) => ReservationRecord | undefined,
): AllocatorParts {
  const { profiles, ledger, load = NO_LOAD, isInterruptible = () => true } = options;
  const module = options.module ?? compileBinary("release");
  const journal = new Journal(ledger);
  const isPooled = (options.reserve ?? "pooled") === "pooled";
  const book = new Book(journal, isPooled ? new Pooling(module) : undefined);
  const tenancy = new Tenancy(book);
  const leases = new Leases({ book, tenancy, profiles, ended });
  const table = new FitTable(book, module);
  const placement = new Placement(book, table);
  const donorWatch = new DonorWatch(options.shrinkAfterTicks ?? SHRINK_AFTER_TICKS);
  const water = new WaterFill(module);
  const donors = new Donors({ book, tenancy, profiles, load, watch: donorWatch, water });
  const targets = new Targets({
    book,
    profiles,
    load,
    isInterruptible,
    module,
    watch: donorWatch,
    everyMs: options.targetsEveryMs ?? 0,
  });
  return {
    journal,
    book,
    tenancy,
    leases,
    table,
    placement,
    donors,
    donorWatch,
    targets,
    pools: new Pools(book, targets),
    requests: new Requests({ book, profiles, placement, donors, leases }),
    poolWatch: new PoolWatch(book, load),
    retention: new Retention(ledger),
  };
}
