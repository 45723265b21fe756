import { createHash } from "node:crypto";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AuditLog, verifyAudit } from "../../host/service/audit.js";
import { TokenFile } from "../../host/service/auth.js";
import { configOf, ENFORCING, registration, withFolder, withService } from "./support.js";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const line = (name: string, role: string, secret: string) =>
  `${JSON.stringify({ name, role, sha256: sha256(secret) })}\n`;

test("each role may do what it says and no more", () =>
  withFolder(async (folder) => {
    const file = join(folder, "tokens");
    writeFileSync(file, `# who\n${line("r", "read", "s-r")}${line("o", "observe", "s-o")}`);
    appendFileSync(file, `${line("d", "decide", "s-d")}${line("a", "admin", "s-a")}`);
    await withService(`${ENFORCING}\nauth: { tokensFile: ${file} }`, async (call, service) => {
      const as = (secret: string) => ({ authorization: `Bearer ${secret}` });
      const node = { nodeId: "n9", allocatable: { cpu: 1, memory: 1, network: 1, disk: 1 } };
      const calls: [string, string, unknown, string][] = [
        ["GET", "/v1/pools/total", undefined, "read"],
        ["PUT", "/v1/instances", registration("a"), "observe"],
        ["POST", "/v1/interruptions", { instanceId: "a" }, "decide"],
        ["PUT", "/v1/nodes", node, "admin"],
      ];
      const order = ["read", "observe", "decide", "admin"];
      for (const [method, path, body, needed] of calls) {
        assert.is((await call(method, path, body)).status, 401, path);
        assert.is((await call(method, path, body, as("wrong"))).status, 401, path);
        for (const role of order) {
          const { status } = await call(method, path, body, as(`s-${role[0]}`));
          const isAllowed = order.indexOf(role) >= order.indexOf(needed);
          assert.is(status < 400, isAllowed, `${role} ${method} ${path}: ${status}`);
          if (!isAllowed) assert.is(status, 403);
        }
      }
      assert.is((await call("GET", "/healthz")).status, 200);
      writeFileSync(file, line("new", "read", "s-new"));
      service.reload(configOf(ENFORCING));
      assert.is((await call("GET", "/v1/pools/total", undefined, as("s-a"))).status, 401);
      assert.is((await call("GET", "/v1/pools/total", undefined, as("s-new"))).status, 200);
    });
  }));

test("a bad tokens file is refused without its content", () =>
  withFolder(async (folder) => {
    const file = join(folder, "tokens");
    for (const text of [
      "",
      "secret-in-the-clear\n",
      '{"name":"a","role":"root","sha256":"00"}\n',
    ]) {
      writeFileSync(file, text);
      try {
        new TokenFile(file);
        assert.unreachable(text);
      } catch (error) {
        assert.not.match((error as Error).message, "secret-in-the-clear");
        assert.match((error as Error).message, file);
      }
    }
  }));

test("the audit log goes on, and shows a line that was touched", () =>
  withFolder(async (folder) => {
    const path = join(folder, "audit.jsonl");
    const entry = { timeMs: 1, caller: "c", action: "interrupt", subject: "s", outcome: "proceed" };
    for (let run = 0; run < 2; run++) {
      const log = new AuditLog(path);
      for (let n = 0; n < 3; n++) log.append({ ...entry, timeMs: n });
      log.close();
    }
    const text = readFileSync(path, "utf8");
    const verify = (content: string) => verifyAudit(Buffer.from(content), path);
    assert.is(verify(text).count, 6);
    const lines = text.split("\n");
    const touched = [
      text.replace("proceed", "refuse"),
      [...lines.slice(0, 2), ...lines.slice(3)].join("\n"),
      [...lines.slice(0, 2), lines[1], ...lines.slice(2)].join("\n"),
    ];
    for (const each of touched) assert.throws(() => verify(each), /broken/);
    writeFileSync(path, touched[1] ?? "");
    assert.throws(() => new AuditLog(path), /line 3/);
  }));

test.run();
