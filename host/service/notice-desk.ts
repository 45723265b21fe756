/** A cloud's notice becomes an event for those who follow and, of a loss, a request to make ready. */
import { createHash } from "node:crypto";
import { HINT_MS } from "../coordinator/hints.js";
import type { CoordinatorRequest } from "../coordinator/types.js";
import type { Clock } from "../lib/clock.js";
import { AzureNotices } from "../sources/notices/azure.js";
import { Ec2Notices } from "../sources/notices/ec2.js";
import { GcpNotices } from "../sources/notices/gcp.js";
import type { Notice, NoticeProvider } from "../sources/notices/notice.js";
import { NoticeWatch } from "../sources/notices/notice-watch.js";
import type { ServiceConfig } from "./config/schema.js";
import { NoticeAcks } from "./notice-acks.js";
import type { ServiceRuntime } from "./runtime.js";

type NoticesConfig = ServiceConfig["notices"];

/** Undefined when no cloud is to be asked. */
export function openNoticeDesk(
  runtime: ServiceRuntime,
  config: NoticesConfig,
  onError: (error: unknown) => void,
): NoticeDesk | undefined {
  const provider = providerOf(config, runtime.clock);
  return provider === undefined
    ? undefined
    : new NoticeDesk(runtime, { provider, config, onError });
}

interface DeskParts {
  readonly provider: NoticeProvider;
  readonly config: NoticesConfig;
  readonly onError: (error: unknown) => void;
}

export class NoticeDesk {
  readonly #watch: NoticeWatch;
  readonly #acks: NoticeAcks | undefined;

  constructor(runtime: ServiceRuntime, { provider, config, onError }: DeskParts) {
    const nodesOf = (notice: Notice) =>
      (notice.machines ?? [notice.instanceId]).map((machine) => nodeOf(config.nodes, machine));
    const isWanted = config.acknowledge && provider.acknowledge !== undefined;
    this.#acks = isWanted ? new NoticeAcks({ runtime, provider, nodesOf, onError }) : undefined;
    const onNotice = async (notice: Notice) => {
      if (await noticed(runtime, config, notice)) this.#acks?.add(notice);
    };
    this.#watch = new NoticeWatch({ provider, onNotice, onError });
  }

  async close(): Promise<void> {
    await this.#watch.close();
    await this.#acks?.close();
  }
}

function providerOf(config: NoticesConfig, clock: Clock): NoticeProvider | undefined {
  const { cloud, endpoint, pollSeconds } = config;
  const options = {
    clock,
    ...(endpoint === null ? {} : { endpoint }),
    ...(pollSeconds === null ? {} : { pollMs: pollSeconds * 1_000 }),
  };
  if (cloud === "ec2") return new Ec2Notices(options);
  if (cloud === "gcp") return new GcpNotices(options);
  return cloud === "azure" ? new AzureNotices(options) : undefined;
}

/** @returns whether it is a loss that somebody acts on */
async function noticed(
  runtime: ServiceRuntime,
  { nodes, rebalanceChance }: NoticesConfig,
  notice: Notice,
): Promise<boolean> {
  const { raw: _raw, ...told } = notice;
  const nodeId = nodeOf(nodes, notice.instanceId);
  const nowMs = runtime.clock.nowMs();
  const isHint = notice.kind === "rebalance" && runtime.allocator.hasNode(nodeId);
  // A cloud's clock may be ahead of ours.
  const hintedMs = Math.min(nowMs, notice.noticedMs);
  const lossChance = isHint ? runtime.coordinator.hint(nodeId, hintedMs) : undefined;
  const said = lossChance === undefined ? {} : { lossChance };
  runtime.events.publish({ kind: "notice", notice: told, nodeId, ...said }, nowMs);
  if (!runtime.allocator.hasNode(nodeId) || !runtime.isEnforcing) return false;
  const isLikely =
    lossChance !== undefined && rebalanceChance !== null && lossChance >= rebalanceChance;
  if (notice.kind !== "reclaim" && !isLikely) return false;
  const request = isLikely ? hintOf(runtime, notice, nodeId) : lossOf(runtime, notice, nodeId);
  if (isLikely) runtime.coordinator.hintActed(nodeId);
  // A service that began anew is told again of what it has decided already.
  if (runtime.decisions.latest(request.requestId) === undefined) await runtime.submit(request);
  return !isLikely;
}

function nodeOf(nodes: NoticesConfig["nodes"], instanceId: string): string {
  return Object.hasOwn(nodes, instanceId) ? (nodes[instanceId] ?? instanceId) : instanceId;
}

/** Everything on the machine goes with it, so nobody's priority protects. */
function lossOf(runtime: ServiceRuntime, notice: Notice, nodeId: string): CoordinatorRequest {
  const request = emptied(runtime, notice, nodeId);
  return { ...request, force: true, deadlineMs: notice.deadlineMs ?? request.receivedMs };
}

/** It may stay after all: whoever has no place for its restart yet is not interrupted. */
function hintOf(runtime: ServiceRuntime, notice: Notice, nodeId: string): CoordinatorRequest {
  const request = emptied(runtime, notice, nodeId);
  return { ...request, deadlineMs: request.receivedMs + HINT_MS };
}

function emptied(runtime: ServiceRuntime, { noticeId }: Notice, nodeId: string) {
  const hash = createHash("sha256").update(noticeId).digest("hex").slice(0, 20);
  return {
    kind: "reclaim",
    requestId: `notice-${hash}`,
    receivedMs: runtime.clock.nowMs(),
    nodeIds: [nodeId],
    amounts: runtime.allocator.pool("node", nodeId).allocatable,
    priorityMax: Number.MAX_SAFE_INTEGER,
    purpose: "capacity-loss",
  } as const;
}
