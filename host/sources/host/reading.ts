/** One look at an instance. Totals only grow while it lives; NaN = not known here. */
export interface Reading {
  /** CPU time used, seconds. Of a group: since it was made, its former lives included. */
  readonly cpuSeconds: number;
  /** CPU time of the processes that run now and of children they collected, seconds. */
  readonly lifeCpuSeconds: number;
  /** Private memory that cannot be dropped: anonymous and shared memory. */
  readonly anonBytes: number;
  /** What a user would call its footprint: all that is charged to it, less idle page cache. */
  readonly footprintBytes: number;
  readonly diskBytes: number;
  readonly diskOperations: number;
  /** Of the processes that run now. */
  readonly lifeDiskBytes: number;
  /** Over all interfaces of its network namespace; NaN in one that others share. */
  readonly networkBytes: number;
  readonly connections: number;
  readonly cpuStallSeconds: number;
  readonly memoryStallSeconds: number;
  readonly ioStallSeconds: number;
  readonly oomKills: number;
  /** Process id to start, clock ticks since the machine started. */
  readonly processes: ReadonlyMap<number, number>;
  readonly limits: ReadLimits;
}

/** Infinite where there is none, NaN where it is not known. */
export interface ReadLimits {
  readonly cores: number;
  readonly memoryBytes: number;
}

export const NO_LIMITS: ReadLimits = { cores: Number.NaN, memoryBytes: Number.NaN };
