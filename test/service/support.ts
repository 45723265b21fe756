import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { type Clock, SystemClock } from "../../host/lib/clock.js";
import { parseConfig } from "../../host/service/config/load.js";
import type { ServiceConfig } from "../../host/service/config/schema.js";
import { Service } from "../../host/service/serve.js";

export const AMOUNTS = { cpu: 8, memory: 32, network: 1_000, disk: 200 };

export function configOf(yaml: string): ServiceConfig {
  return parseConfig(yaml, { file: "test", environment: { REPRISE_LISTEN__PORT: "0" } });
}

/** A policy under which a fresh instance may be interrupted at once. */
export const ENFORCING = `
profiler: { instancesMax: 64, workers: 0, tickSeconds: 0.05 }
coordinator: { tickSeconds: 0.05, policy: { minRunMinutes: 0 } }
modes: { default: enforce }
log: { level: silent }
nodes:
  - { nodeId: n1, allocatable: { cpu: 8, memory: 32, network: 1000, disk: 200 } }
  - { nodeId: n2, allocatable: { cpu: 8, memory: 32, network: 1000, disk: 200 } }
`;

/** A real server on a free port of the loopback, closed after the body. */
export async function withService(
  yaml: string,
  body: (call: Call, service: Service) => Promise<void>,
  clock: Clock = new SystemClock(),
): Promise<void> {
  const log = pino({ level: "silent" });
  const service = await Service.open({ config: configOf(yaml), version: "test", log, clock });
  try {
    await body(caller(service.address), service);
  } finally {
    await service.close();
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // The API's own shapes are what the tests look at, so nothing is assumed of them here.
  readonly body: Record<string, unknown>;
}

export type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

export function caller(address: string): Call {
  return async (method, path, body, headers = {}) => {
    const isText = typeof body === "string";
    const reply = await fetch(`${address}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await reply.text();
    const isJson = (reply.headers.get("content-type") ?? "").includes("json");
    return {
      status: reply.status,
      headers: reply.headers,
      body: isJson ? (JSON.parse(text) as Record<string, unknown>) : { text },
    };
  };
}

export function registration(instanceId: string, more: object = {}): object {
  return {
    instanceId,
    groupId: "web",
    nodeId: "n1",
    priority: 10,
    interruptible: true,
    requested: { cpu: 1, memory: 2, network: 10, disk: 5 },
    allocation: { cpu: 1, memory: 2, network: 10, disk: 5 },
    ...more,
  };
}

export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "reprise-service-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
