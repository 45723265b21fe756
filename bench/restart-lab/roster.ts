import type { ResourceAmounts } from "../../host/sources/sample.js";

export interface LabProgram {
  readonly name: string;
  readonly what: string;
  /** What an operator would ask for: a round number above what it was ever seen to need. */
  readonly limits: Required<ResourceAmounts>;
}

export const ROSTER: readonly LabProgram[] = [
  {
    name: "web-cache",
    what: "web server, cache warm-up",
    limits: { cpu: 0.5, memory: 0.25, network: 1, disk: 20 },
  },
  {
    name: "jit-service",
    what: "JIT-heavy service",
    limits: { cpu: 0.75, memory: 0.25, network: 1, disk: 20 },
  },
  {
    name: "batch-checkpoint",
    what: "batch with checkpoints",
    limits: { cpu: 0.5, memory: 0.25, network: 1, disk: 20 },
  },
  {
    name: "page-fill",
    what: "database, page pool fill",
    limits: { cpu: 0.5, memory: 0.25, network: 1, disk: 100 },
  },
  {
    name: "queue-consumer",
    what: "queue, backlog grows with the outage",
    limits: { cpu: 0.5, memory: 0.25, network: 1, disk: 20 },
  },
  {
    name: "idle-cron",
    what: "idle cron",
    limits: { cpu: 0.5, memory: 0.25, network: 1, disk: 20 },
  },
];

/** Planned outages, minutes. A pair of program and outage is either learnt from or held out. */
export const OUTAGES = [2, 4, 6, 9, 12, 15, 20, 25, 30, 40] as const;
export const HELD_OUT_SHARE = 0.3;

/** The group under which each program has its own. */
export const LAB_GROUP = "reprise-lab";
