import { RepriseError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import { INBOX_TILE_BYTES } from "./abi.js";
import { ArenaPlan, type Region } from "./arena.js";
import { type Kernel, openKernel } from "./kernel.js";
import { loadNetwork, type NetworkRegions, planNetwork } from "./network.js";
import { checkNetworkRows } from "./network-rows.js";
import type { NetworkTensors } from "./network-shape.js";
import { type NodeRoomsPlan, planNodeRooms } from "./node-rooms.js";
import { type ProfilerPlan, planProfiler } from "./plan.js";

export interface AdviserSizes {
  /** The core's binary over unshared memory: `compileBinary("release")`, or as a browser got it. */
  readonly module: WebAssembly.Module;
  readonly weights: NetworkTensors;
  readonly maxInstances: number;
  readonly maxNodes: number;
}

/** The memory of one adviser: laid out once, never grown. */
export interface AdviserMemory {
  readonly memory: WebAssembly.Memory;
  readonly kernel: Kernel;
  readonly network: NetworkRegions;
  readonly plan: ProfilerPlan;
  readonly rooms: NodeRoomsPlan;
  /** One inbox tile for each tile of instances. */
  readonly inbox: Region;
}

/** @throws ERR_LIMIT, ERR_SHAPE when the weights are for other rows than the core writes */
export function openAdviserMemory(sizes: AdviserSizes): AdviserMemory {
  const { module, weights, maxInstances, maxNodes } = sizes;
  if (!(Number.isSafeInteger(maxNodes) && maxNodes >= 1 && maxNodes <= LIMITS.nodesMax)) {
    throw new RepriseError("ERR_LIMIT", "maxNodes is outside its limits", {
      field: "maxNodes",
      got: maxNodes,
      expected: `a whole number from 1 to ${LIMITS.nodesMax}`,
    });
  }
  checkNetworkRows(weights);
  // Sizes are asked of the core before its memory exists.
  const probe = openKernel(module, new WebAssembly.Memory({ initial: 1, maximum: 1 }));
  const arena = new ArenaPlan(probe.arenaBase());
  const network = planNetwork(arena, probe, weights);
  const plan = planProfiler(arena, {
    maxInstances,
    hiddenSize: weights.hiddenSize,
    workers: 0,
    headScratchBytes: probe.headScratchBytes(),
    journalTiles: 1,
  });
  const inbox = arena.region("adviser.inbox", plan.tileCount * INBOX_TILE_BYTES);
  const rooms = planNodeRooms(arena, maxNodes);
  const memory = arena.createMemory(false);
  const kernel = openKernel(module, memory);
  loadNetwork(kernel, memory, network, weights);
  return { memory, kernel, network, plan, rooms, inbox };
}
