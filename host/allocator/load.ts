/** What is measured on the machines, where somebody measures it. One value a resource, NaN unknown. */
export interface LoadReader {
  /** Usage of the whole node, the system's own share included in neither side. */
  nodeUsage(nodeId: string): readonly number[] | undefined;
  /** Usage of one instance: cores, working set, rates. */
  instanceUsage(instanceId: string): readonly number[] | undefined;
}

/** For deployments without measurement: allocations count as they are. */
export const NO_LOAD: LoadReader = {
  nodeUsage: () => undefined,
  instanceUsage: () => undefined,
};
