/** Notices of three clouds against small servers that speak their shapes. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { VirtualClock } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { AzureNotices } from "../../host/sources/notices/azure.js";
import { Ec2Notices } from "../../host/sources/notices/ec2.js";
import { GcpNotices } from "../../host/sources/notices/gcp.js";
import type { Notice } from "../../host/sources/notices/notice.js";
import { NoticeWatch } from "../../host/sources/notices/notice-watch.js";
import { eventually } from "../support/fake-cgroup.js";
import { rejectedBy } from "../support/thrown.js";

type Answerer = (request: IncomingMessage, reply: ServerResponse, body: string) => void;

async function withServer(
  answer: Answerer,
  body: (endpoint: string) => Promise<void>,
): Promise<void> {
  const server = createServer((request, reply) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    request.on("end", () => answer(request, reply, text));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const { signal } = new AbortController();
const clock = new VirtualClock(1_000_000);
const withoutRaw = ({ raw: _raw, ...rest }: Notice) => rest;

/** IMDSv2: a token by PUT, refused without it, 404 until there is something. */
class Imds {
  token = "first";
  readonly answers = new Map<string, string>([["/latest/meta-data/instance-id", "i-0a1b"]]);
  tokenCount = 0;

  readonly answer: Answerer = (request, reply) => {
    const { url = "", method, headers } = request;
    if (url === "/latest/api/token") {
      const isAsked =
        method === "PUT" && headers["x-aws-ec2-metadata-token-ttl-seconds"] === "21600";
      this.tokenCount++;
      reply.writeHead(isAsked ? 200 : 400).end(isAsked ? this.token : "");
    } else if (headers["x-aws-ec2-metadata-token"] !== this.token) reply.writeHead(401).end();
    else {
      const text = this.answers.get(url);
      reply.writeHead(text === undefined ? 404 : 200).end(text ?? "<html>404 - Not Found</html>");
    }
  };
}

test("EC2: nothing while it says 404, then the action and its time; a new token when one is over", () => {
  const imds = new Imds();
  return withServer(imds.answer, async (endpoint) => {
    const ec2 = new Ec2Notices({ endpoint, clock });
    assert.equal(await ec2.look(signal), []);
    assert.is(imds.tokenCount, 1, "one token for all paths");
    imds.token = "second";
    const data = "/latest/meta-data";
    const action = '{"action":"terminate","time":"2026-09-18T08:22:00Z"}';
    imds.answers.set(`${data}/spot/instance-action`, action);
    const rebalance = '{"noticeTime":"2026-10-27T08:22:00Z"}';
    imds.answers.set(`${data}/events/recommendations/rebalance`, rebalance);
    const [first, second] = await ec2.look(signal);
    assert.is(imds.tokenCount, 2);
    assert.equal(first, {
      noticeId: `ec2 i-0a1b terminate ${Date.UTC(2026, 8, 18, 8, 22)}`,
      source: "ec2",
      kind: "reclaim",
      instanceId: "i-0a1b",
      action: "terminate",
      noticedMs: 1_000_000,
      deadlineMs: Date.UTC(2026, 8, 18, 8, 22),
      canAck: false,
      raw: action,
    });
    assert.is(second?.kind, "rebalance");
    assert.is(second?.deadlineMs, undefined);
    imds.answers.set(`${data}/spot/instance-action`, '{"action":"terminate"}');
    assert.is((await rejectedBy(() => ec2.look(signal))).code, "ERR_TRACE_FORMAT");
  });
});

test("GCP: the first look answers at once, the next waits for a change, with the flavour and etag", () => {
  const urls: string[] = [];
  let waiting: ServerResponse | undefined;
  const answer: Answerer = ({ url = "", headers }, reply) => {
    urls.push(url);
    if (headers["metadata-flavor"] !== "Google") reply.writeHead(403).end();
    else if (url.endsWith("/name")) reply.end("vm-7");
    else if (url.includes("wait_for_change")) waiting = reply;
    else reply.setHeader("etag", "e1").end("FALSE");
  };
  return withServer(answer, async (endpoint) => {
    const gcp = new GcpNotices({ endpoint, clock });
    assert.equal(await gcp.look(signal), []);
    let notices: readonly Notice[] | undefined;
    const looking = gcp.look(signal).then((found) => {
      notices = found;
    });
    assert.ok(await eventually(() => waiting !== undefined));
    assert.is(notices, undefined, "it waits");
    assert.match(urls.at(-1) ?? "", "/preempted?wait_for_change=true&timeout_sec=60&last_etag=e1");
    waiting?.setHeader("etag", "e2").end("TRUE");
    await looking;
    assert.equal(notices?.map(withoutRaw), [
      {
        noticeId: "gcp vm-7 1000000",
        source: "gcp",
        kind: "reclaim",
        instanceId: "vm-7",
        action: "preempt",
        noticedMs: 1_000_000,
        deadlineMs: 1_030_000,
        canAck: false,
      },
    ]);
  });
});

const AZURE = {
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
    {
      EventId: "f020ba2e",
      EventStatus: "Started",
      EventType: "Reboot",
      Resources: ["vm2"],
      NotBefore: "",
    },
  ],
};

test("Azure: one notice a machine, and the event is let happen early when told so", () => {
  const started: string[] = [];
  const answer: Answerer = ({ url, method, headers }, reply, body) => {
    const isRight = url === "/metadata/scheduledevents?api-version=2020-07-01";
    if (!isRight || headers.metadata !== "true") reply.writeHead(400).end();
    else if (method === "POST") {
      started.push(body);
      reply.end();
    } else reply.end(JSON.stringify(AZURE));
  };
  return withServer(answer, async (endpoint) => {
    const azure = new AzureNotices({ endpoint, clock });
    const notices = await azure.look(signal);
    assert.equal(
      notices.map(({ instanceId, kind, action, deadlineMs, canAck }) => [
        instanceId,
        kind,
        action,
        deadlineMs,
        canAck,
      ]),
      [
        ["vm0", "reclaim", "Preempt", Date.UTC(2026, 8, 19, 18, 29, 47), true],
        ["vm1", "reclaim", "Preempt", Date.UTC(2026, 8, 19, 18, 29, 47), true],
        ["vm2", "maintenance", "Reboot", 1_000_000, false],
      ],
    );
    if (notices[0] !== undefined) await azure.acknowledge(notices[0], signal);
    assert.equal(started, ['{"StartRequests":[{"EventId":"602d9444"}]}']);
  });
});

test("a watch tells each notice once, goes on after errors and ends at once", async () => {
  let looks = 0;
  const provider = {
    source: "ec2",
    pauseMs: 5,
    look: async () => {
      if (++looks === 4) throw new Error("broken");
      const base = { source: "ec2", kind: "reclaim", instanceId: "i", action: "stop" } as const;
      const one = { ...base, noticedMs: 0, canAck: false, raw: "" };
      return looks < 2
        ? []
        : [
            { ...one, noticeId: "a" },
            { ...one, noticeId: "b" },
          ];
    },
  } as const;
  const told: string[] = [];
  const errors: unknown[] = [];
  const watch = new NoticeWatch({
    provider,
    onNotice: async ({ noticeId }) => {
      // What could not be taken is told again.
      if (noticeId === "b" && looks === 2) throw new Error("not now");
      told.push(noticeId);
    },
    onError: (error) => errors.push(error),
  });
  assert.ok(await eventually(() => errors.length === 1));
  await watch.close();
  assert.equal(told, ["a"]);
  assert.is(looks, 2, "after an error it waits longer");
});

test("silence, other statuses and endless answers have a code", () =>
  withServer(
    (request, reply) => {
      if (request.url?.startsWith("/metadata") === true) reply.end("x".repeat(300_000));
      else reply.writeHead(500).end();
    },
    async (endpoint) => {
      const gone = new Ec2Notices({ endpoint: "http://127.0.0.1:9", clock });
      assert.is((await rejectedBy(() => gone.look(signal))).code, "ERR_SAMPLE_UNAVAILABLE");
      const ec2 = new Ec2Notices({ endpoint, clock });
      assert.is((await rejectedBy(() => ec2.look(signal))).code, "ERR_SAMPLE_UNAVAILABLE");
      const azure = new AzureNotices({ endpoint, clock });
      assert.is((await rejectedBy(() => azure.look(signal))).code, "ERR_SAMPLE_UNAVAILABLE");
    },
  ));

test("whatever the servers say, it is a notice or an error with a code", async () => {
  let text = "";
  const answer: Answerer = (_request, reply) => void reply.end(text);
  await withServer(answer, async (endpoint) => {
    const event = fc.record(
      { EventId: fc.anything(), EventType: fc.anything(), Resources: fc.anything() },
      { requiredKeys: [] },
    );
    const document = fc.oneof(fc.json(), fc.string(), fc.record({ Events: fc.array(event) }));
    await fc.assert(
      fc.asyncProperty(document, async (said) => {
        text = typeof said === "string" ? said : (JSON.stringify(said) ?? "");
        for (const cloud of [AzureNotices, Ec2Notices, GcpNotices]) {
          try {
            await new cloud({ endpoint, clock }).look(signal);
          } catch (error) {
            assert.ok(isRepriseError(error), `${String(error)} of ${text}`);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

test.run();
