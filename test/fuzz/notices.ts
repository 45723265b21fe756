/** What metadata servers may answer, mutants of their documents: notices or a refusal, no more. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { VirtualClock } from "../../host/lib/clock.js";
import { AzureNotices } from "../../host/sources/notices/azure.js";
import { Ec2Notices } from "../../host/sources/notices/ec2.js";
import { GcpNotices } from "../../host/sources/notices/gcp.js";
import type { Notice, NoticeProvider } from "../../host/sources/notices/notice.js";
import { fuzz, readOrRefuse } from "./fuzz.js";
import { mutantBytes, mutantJson } from "./mutants.js";

const clock = new VirtualClock(1_795_000_000_000);
const { signal } = new AbortController();

const EVENTS = {
  DocumentIncarnation: 1,
  Events: [
    {
      EventId: "602d9444",
      EventStatus: "Scheduled",
      EventType: "Preempt",
      ResourceType: "VirtualMachine",
      Resources: ["vm0", "vm1"],
      NotBefore: "Mon, 19 Sep 2026 18:29:47 GMT",
      Description: "",
      EventSource: "Platform",
      DurationInSeconds: -1,
    },
  ],
};
const ACTION = { action: "terminate", time: "2026-09-18T08:22:00Z" };
const REBALANCE = { noticeTime: "2026-10-26T15:55:00Z" };

const ANSWERS: Readonly<Record<string, string>> = {
  "/latest/api/token": "token",
  "/latest/meta-data/instance-id": "i-0a1b",
  "/latest/meta-data/spot/instance-action": JSON.stringify(ACTION),
  "/latest/meta-data/events/recommendations/rebalance": JSON.stringify(REBALANCE),
  "/computeMetadata/v1/instance/name": "vm-1",
};

/** Answers one path with what it is told to, the others as they should be. */
class Metadata {
  path = "";
  body: Uint8Array = Buffer.alloc(0);
  readonly #server = createServer((request, reply) => this.#answer(request.url ?? "", reply));

  #answer(url: string, reply: ServerResponse): void {
    const [path = ""] = url.split("?");
    if (path === this.path) reply.end(this.body);
    else reply.end(ANSWERS[path] ?? "");
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function checkNotice({ noticeId, instanceId, action, noticedMs, deadlineMs = 0 }: Notice): void {
  for (const text of [noticeId, instanceId, action]) assert.type(text, "string");
  for (const timeMs of [noticedMs, deadlineMs]) assert.ok(Number.isFinite(timeMs));
}

interface Target {
  readonly path: string;
  readonly mutants: fc.Arbitrary<Buffer>;
  readonly open: (endpoint: string) => NoticeProvider;
}

const ec2 = (endpoint: string) => new Ec2Notices({ endpoint, clock });

const TARGETS: Readonly<Record<string, Target>> = {
  "Azure's scheduled events": {
    path: "/metadata/scheduledevents",
    mutants: mutantJson([EVENTS, { ...EVENTS, Events: [] }]),
    open: (endpoint) => new AzureNotices({ endpoint, clock }),
  },
  "EC2's instance action": {
    path: "/latest/meta-data/spot/instance-action",
    mutants: mutantJson([ACTION]),
    open: ec2,
  },
  "EC2's rebalance": {
    path: "/latest/meta-data/events/recommendations/rebalance",
    mutants: mutantBytes([Buffer.from(JSON.stringify(REBALANCE))]),
    open: ec2,
  },
  "GCP's preemption": {
    path: "/computeMetadata/v1/instance/preempted",
    mutants: mutantBytes(["TRUE", "FALSE"].map((text) => Buffer.from(text))),
    open: (endpoint) => new GcpNotices({ endpoint, clock }),
  },
};

export function noticeTests(runs: number) {
  const test = suite("mutants of notices");
  for (const [name, { path, mutants, open }] of Object.entries(TARGETS)) {
    test(name, async () => {
      const server = new Metadata();
      const provider = open(await server.open());
      server.path = path;
      try {
        await fuzz(runs, mutants, async (body) => {
          server.body = body;
          const read = () => provider.look(signal);
          const found = await readOrRefuse(["ERR_TRACE_FORMAT", "ERR_SAMPLE_UNAVAILABLE"], read);
          found?.forEach(checkNotice);
        });
      } finally {
        await server.close();
      }
    });
  }
  return test;
}
