/** The allocator's numbers. */
import type { Resource } from "../core/abi.js";

const MINUTE_MS = 60_000;

/** Index into QUANTILES of the amount that is promised: .95, and .99 for memory, whose lack kills. */
export const PROMISE_QUANTILE: Readonly<Record<Resource, number>> = {
  cpu: 2,
  memory: 3,
  network: 2,
  disk: 2,
};

/**
 * What a donor keeps of its need where room is taken in any case. Its memory at the .99 quantile is
 * idle on 99 nodes of 100 while a restart beside it goes without; what it uses now it keeps.
 */
export const FORCED_KEEP_QUANTILE: Readonly<Record<Resource, number>> = {
  ...PROMISE_QUANTILE,
  memory: 2,
};

/** How long an unclaimed lease lives after the expected restart. */
export const GRACE_MS = 15 * MINUTE_MS;

/** Level at which a pool covers the sum of its members' needs: the .95 quantile of a normal law. */
export const POOL_Z = 1.6449;

/**
 * Correlation of two members' needs, resource order. 0.04 to 0.05 was measured between VMs of one
 * data centre (Bitbrains, 200 common cut times).
 */
export const POOL_RHO = [0.05, 0.05, 0.05, 0.05] as const;

/**
 * How two leases' needs correlate by what they share: the data centre (as POOL_RHO), the group (an
 * owner's instances are busy at the same time), the cause of their restart (one plan).
 */
export const POOL_RHO_COMMON = 0.05;
export const POOL_RHO_GROUP = 0.1;
export const POOL_RHO_CAUSE = 0.05;

/** How often a pool of leases may be too small in any of its resources; each gets a quarter. */
export const POOL_RISK = 0.05;

/** Step of the offset by which pools learn, as a share of their members' needs; its bounds. */
export const POOL_TRACKER_RATE = 0.05;
export const POOL_OFFSET_MIN = -0.5;
export const POOL_OFFSET_MAX = 1;

/** An ended lease stays in the ledger this long after its last day. */
export const LEASE_RETENTION_MS = 7 * 24 * 60 * MINUTE_MS;

/** Ended leases that one tick looks at. */
export const PRUNED_A_TICK = 256;

/** A late restart's lease is renewed until this long after the restart was expected. */
export const LATE_MAX_MS = 60 * MINUTE_MS;

/**
 * Leases of one node that are drawn together; more of them count whole. With 32 that all start at
 * different times a node's steps take 0.9 ms on a loaded machine.
 */
export const POOLED_MEMBERS_MAX = 32;

/** Nodes on which a need that does not fit by the plain sum is tried among the pooled leases. */
export const POOLED_NODES_MAX = 8;

/** A pool's target falls at most by this share of itself a minute; it grows at once. */
export const POOL_SHRINK_RATIO_PER_MINUTE = 0.1;

/** Only what was held above this many times the keep-need is taken from a donor (YARN's dead zone). */
export const SHRINK_ABOVE_RATIO = 1.25;

/** For how many ticks in a row it must have been held. */
export const SHRINK_AFTER_TICKS = 3;

/** A donor that uses more than this share of what it holds gets back what it gave, if there is room. */
export const EXPAND_ABOVE_RATIO = 0.9;

/** A donor whose engine would not shrink it, or did not, is not asked again before this. */
export const DONOR_REFUSAL_MS = 10 * MINUTE_MS;

/** A donor keeps this much more memory than it is measured to use. */
export const WORKING_SET_MARGIN = 0.1;

/** Nodes on which donors are searched before the answer is no. */
export const DONOR_NODES_MAX = 8;
