/** A cloud's notice becomes an event for those who follow and, of a loss, a request to make ready. */
import { createHash } from "node:crypto";
import type { CoordinatorRequest } from "../coordinator/types.js";
import type { Clock } from "../lib/clock.js";
import { AzureNotices } from "../sources/notices/azure.js";
import { Ec2Notices } from "../sources/notices/ec2.js";
import { GcpNotices } from "../sources/notices/gcp.js";
import type { Notice, NoticeProvider } from "../sources/notices/notice.js";
import { NoticeWatch } from "../sources/notices/notice-watch.js";
import type { ServiceConfig } from "./config/schema.js";
import type { ServiceRuntime } from "./runtime.js";

type NoticesConfig = ServiceConfig["notices"];

/** Undefined when no cloud is to be asked. */
export function openNoticeWatch(
  runtime: ServiceRuntime,
  config: NoticesConfig,
  onError: (error: unknown) => void,
): NoticeWatch | undefined {
  const provider = providerOf(config, runtime.clock);
  if (provider === undefined) return undefined;
  const onNotice = (notice: Notice) => noticed(runtime, config, notice);
  return new NoticeWatch({ provider, onNotice, onError });
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

async function noticed(
  runtime: ServiceRuntime,
  { nodes }: NoticesConfig,
  notice: Notice,
): Promise<void> {
  const { raw: _raw, ...told } = notice;
  const nodeId = nodeOf(nodes, notice.instanceId);
  runtime.events.publish({ kind: "notice", notice: told, nodeId }, runtime.clock.nowMs());
  if (notice.kind !== "reclaim" || !runtime.allocator.hasNode(nodeId)) return;
  const request = lossOf(runtime, notice, nodeId);
  // A service that began anew is told again of what it has decided already.
  if (runtime.decisions.latest(request.requestId) !== undefined) return;
  if (runtime.isEnforcing) await runtime.submit(request);
}

function nodeOf(nodes: NoticesConfig["nodes"], instanceId: string): string {
  return Object.hasOwn(nodes, instanceId) ? (nodes[instanceId] ?? instanceId) : instanceId;
}

/** Everything on the machine goes with it, so nobody's priority protects. */
function lossOf(runtime: ServiceRuntime, notice: Notice, nodeId: string): CoordinatorRequest {
  const hash = createHash("sha256").update(notice.noticeId).digest("hex").slice(0, 20);
  const receivedMs = runtime.clock.nowMs();
  return {
    kind: "reclaim",
    requestId: `notice-${hash}`,
    receivedMs,
    force: true,
    nodeIds: [nodeId],
    amounts: runtime.allocator.pool("node", nodeId).allocatable,
    deadlineMs: notice.deadlineMs ?? receivedMs,
    priorityMax: Number.MAX_SAFE_INTEGER,
    purpose: "capacity-loss",
  };
}
