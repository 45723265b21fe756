/** Bodies as clients send them, by route. */
import { OTLP_JSON } from "./seeds.js";

const NOW_MS = 1_795_000_000_000;
const AMOUNTS = { cpu: 1, memory: 2, network: 10, disk: 5 };

const registration = {
  ...{ instanceId: "a", ownerId: "job-a", groupId: "web", nodeId: "n1", jobType: "server" },
  ...{ priority: 10, interruptible: true, limits: AMOUNTS, requested: AMOUNTS },
  ...{ typicalOutageMinutes: 5, stopSeconds: 1, checkpointSeconds: 60, allocation: AMOUNTS },
};
const sample = {
  ...{ instanceId: "a", timeMs: NOW_MS, cpuCores: 0.5, perCoreCores: [0.25, 0.25] },
  ...{ cpuPeakCores: 1, memoryGiB: 1, networkMbps: 1, disk: 1, connections: 3 },
  sinceLaunchSeconds: 60,
};
const interruption = {
  ...{ instanceId: "a", requestId: "r1", deadlineMs: NOW_MS + 60_000 },
  ...{ force: false, outageMinutes: 5 },
};
const reclaim = {
  ...{ nodeIds: ["n1", "n2"], amounts: AMOUNTS, deadlineMs: NOW_MS + 60_000 },
  ...{ priorityMax: 100, purpose: "requester", requestId: "r2" },
};

export interface Route {
  readonly method: "POST" | "PUT";
  readonly url: string;
  readonly seeds: readonly unknown[];
}

const route = (method: Route["method"], url: string, ...seeds: readonly unknown[]): Route => {
  return { method, url, seeds };
};

export const API_ROUTES: readonly Route[] = [
  route("PUT", "/v1/nodes", { nodeId: "n3", allocatable: AMOUNTS }),
  route("PUT", "/v1/instances", registration, { ...registration, instanceId: "c" }),
  route("POST", "/v1/instances", [registration, { ...registration, instanceId: "d" }]),
  route("POST", "/v1/samples", sample, [sample, { ...sample, timeMs: NOW_MS + 1 }]),
  route("POST", "/v1/considerations", { interrupt: interruption }, { reclaim }),
  route("POST", "/v1/interruptions", interruption),
  route("POST", "/v1/reclaims", reclaim),
  route("POST", "/v1/instances/a/stopped", { timeMs: NOW_MS }),
  route("POST", "/v1/instances/a/restarted", { timeMs: NOW_MS + 1_000 }),
  route("POST", "/v1/instances/a/checkpoint", { timeMs: NOW_MS, sizeGiB: 1 }),
  route("POST", "/v1/metrics", OTLP_JSON),
];

/** As `kubectl get pod -o json` has it, cut down. */
const pod = (name: string) => ({
  metadata: {
    ...{ name, namespace: "shop", uid: `uid-${name}`, creationTimestamp: null },
    annotations: { "reprise/owner": "job-a" },
    ownerReferences: [{ kind: "Job", name: "job", uid: "job-a", controller: true }],
  },
  spec: {
    priority: 100,
    initContainers: [{ name: "side", restartPolicy: "Always", resources: { requests: null } }],
    containers: [
      { name: "main", image: "x", resources: { requests: { cpu: "1500m", memory: "1Gi" } } },
    ],
    overhead: { cpu: "10m" },
  },
  status: { phase: "Pending" },
});
const names = ["n1", "n2", "elsewhere"];
const nodes = {
  metadata: {},
  items: names.map((name) => ({ metadata: { name }, status: { capacity: { cpu: "8" } } })),
};
const args = [
  { Pod: pod("new"), Nodes: null, NodeNames: names },
  { Pod: pod("new"), Nodes: nodes, NodeNames: null },
];
const meta = { Pods: [{ UID: "a" }, { UID: "b" }], NumPDBViolations: 1 };

export const EXTENDER_ROUTES: readonly Route[] = [
  route("POST", "/scheduler/filter", ...args),
  route("POST", "/scheduler/prioritize", ...args),
  route(
    "POST",
    "/scheduler/preempt",
    { Pod: pod("new"), NodeNameToVictims: null, NodeNameToMetaVictims: { n1: meta } },
    {
      Pod: pod("new"),
      NodeNameToMetaVictims: null,
      NodeNameToVictims: {
        n1: { Pods: [{ ...pod("x"), metadata: { uid: "a" } }], NumPDBViolations: 0 },
        n2: { Pods: [pod("stranger")], NumPDBViolations: 0 },
      },
    },
  ),
];
