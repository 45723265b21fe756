/** The nodes of one decision side by side, so that many working copies are made of them quickly. */
import { NEED_COLUMNS } from "../core/abi.js";
import type { NodeInput } from "./inputs.js";

export interface NodeTable {
  readonly nodeIds: readonly string[];
  readonly index: ReadonlyMap<string, number>;
  /** Node x resource x phase. */
  readonly room: Float64Array;
  readonly allocatable: readonly (readonly number[])[];
  readonly lossChances: readonly number[] | undefined;
}

const TABLES = new WeakMap<readonly NodeInput[], NodeTable>();

export function nodeTable(nodes: readonly NodeInput[]): NodeTable {
  const known = TABLES.get(nodes);
  if (known !== undefined) return known;
  const nodeIds = nodes.map(({ nodeId }) => nodeId);
  const room = new Float64Array(nodes.length * NEED_COLUMNS);
  nodes.forEach((node, index) => {
    room.set(node.room, index * NEED_COLUMNS);
  });
  const table = {
    nodeIds,
    index: new Map(nodeIds.map((nodeId, index) => [nodeId, index])),
    room,
    allocatable: nodes.map(({ allocatable }) => allocatable),
    lossChances: nodes.some(({ lossChance }) => lossChance !== undefined)
      ? nodes.map(({ lossChance = 0 }) => lossChance)
      : undefined,
  };
  TABLES.set(nodes, table);
  return table;
}
