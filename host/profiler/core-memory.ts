import { ArenaPlan } from "../core/arena.js";
import { compileBinary } from "../core/binary.js";
import { type Kernel, openKernel } from "../core/kernel.js";
import { loadNetwork, type NetworkRegions, planNetwork } from "../core/network.js";
import { checkNetworkRows } from "../core/network-rows.js";
import { type ProfilerPlan, planProfiler } from "../core/plan.js";
import { CoreViews } from "../core/views.js";
import { checkObject } from "../lib/assert.js";
import { RepriseError } from "../lib/errors.js";
import type { NetworkWeights } from "../model/weights.js";
import type { Refresh } from "./profiler-options.js";

/** The one shared memory of a profiler, laid out, with the network packed into it. */
export interface CoreMemory {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly views: CoreViews;
  /** The calling thread's own instance of the core. */
  readonly kernel: Kernel;
  readonly plan: ProfilerPlan;
  readonly network: NetworkRegions | null;
  readonly refresh: Refresh;
}

export interface CoreMemoryOptions {
  readonly maxInstances: number;
  readonly workers: number;
  readonly weights: NetworkWeights | null;
  readonly journalTiles?: number | undefined;
  readonly refresh?: Refresh | undefined;
}

const REFRESHES: readonly Refresh[] = ["tick", "demand"];

/** @throws ERR_ARGUMENT, ERR_LIMIT, ERR_SHAPE when the weights are for other rows than the core writes */
export function openCoreMemory(options: CoreMemoryOptions): CoreMemory {
  checkObject("options", options, "maxInstances, weights and workers");
  const { weights, refresh = "tick" } = options;
  if (!REFRESHES.includes(refresh)) {
    throw new RepriseError("ERR_ARGUMENT", "no such way to refresh answers", {
      field: "refresh",
      got: refresh,
      expected: REFRESHES.join(" or "),
    });
  }
  if (weights !== null) {
    checkObject("weights", weights, "weights that were read, or null for none");
    checkNetworkRows(weights);
  }
  const module = compileBinary("shared");
  // Sizes are asked of the core before its memory exists.
  const probe = openKernel(
    module,
    new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }),
  );
  const arena = new ArenaPlan(probe.arenaBase());
  const network = weights === null ? null : planNetwork(arena, probe, weights);
  const plan = planProfiler(arena, {
    maxInstances: options.maxInstances,
    hiddenSize: weights?.hiddenSize ?? 0,
    workers: options.workers,
    headScratchBytes: weights === null ? 0 : probe.headScratchBytes(),
    ...(options.journalTiles === undefined ? {} : { journalTiles: options.journalTiles }),
  });
  const memory = arena.createMemory(true);
  const kernel = openKernel(module, memory);
  if (network !== null && weights !== null) loadNetwork(kernel, memory, network, weights);
  return { module, memory, views: new CoreViews(memory), kernel, plan, network, refresh };
}
