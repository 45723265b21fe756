/** A line of the audit log that a crash cut short: taken off, told, and everything before it kept. */
import {
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AuditLog, verifyAudit } from "../../host/service/audit.js";
import { runReprise } from "../support/command-line.js";
import { ENFORCING, registration, withFolder, withService } from "./support.js";

const entry = { timeMs: 1, caller: "ü", action: "interrupt", subject: "s", outcome: "proceed" };

test("a file cut at any byte opens with the lines that are whole", () =>
  withFolder(async (folder) => {
    const path = join(folder, "audit.jsonl");
    const log = new AuditLog(path);
    for (let timeMs = 0; timeMs < 3; timeMs++) log.append({ ...entry, timeMs });
    log.close();
    const whole = readFileSync(path);
    const firstTwo = whole.indexOf(10, whole.indexOf(10) + 1) + 1;
    for (let bytes = firstTwo; bytes < whole.byteLength; bytes += 7) {
      writeFileSync(path, whole.subarray(0, bytes));
      assert.is(verifyAudit(readFileSync(path), path).tornBytes, bytes - firstTwo);
      const again = new AuditLog(path);
      assert.is(again.removedBytes, bytes - firstTwo);
      again.append({ ...entry, timeMs: 9 });
      again.close();
      const { count, tornBytes } = verifyAudit(readFileSync(path), path);
      assert.equal([count, tornBytes], [3, 0]);
    }
    // Blocks that were never written read as zeros.
    writeFileSync(path, Buffer.concat([whole, Buffer.alloc(4_096)]));
    const zeros = new AuditLog(path);
    assert.is(zeros.removedBytes, 4_096);
    zeros.close();
    assert.equal(readFileSync(path), whole);
  }));

test("a first line cut short after a file was closed is taken off, and the chain goes on", () =>
  withFolder(async (folder) => {
    const path = join(folder, "audit.jsonl");
    const log = new AuditLog(path, 600);
    for (let timeMs = 0; timeMs < 5; timeMs++) log.append({ ...entry, timeMs });
    log.close();
    assert.ok(readdirSync(folder).length > 1);
    writeFileSync(path, readFileSync(path).subarray(0, 60));
    const again = new AuditLog(path, 600);
    assert.is(again.removedBytes, 60);
    again.append({ ...entry, timeMs: 9 });
    again.close();
    assert.is(verifyAudit(readFileSync(path), path).tornBytes, 0);
    const paths = readdirSync(folder).map((name) => join(folder, name));
    const told = await runReprise(["audit", "verify", ...paths.sort()]);
    assert.is(told.code, 0, told.stderr);
  }));

function closedName(text: string): string {
  const sequences = [...text.matchAll(/"sequence":(\d+)/g)].map(([, digits = ""]) => digits);
  const [from = "", to = ""] = [sequences[0], sequences.at(-1)];
  return `audit-${from.padStart(12, "0")}-${to.padStart(12, "0")}.jsonl`;
}

test("a file that is full is closed, and the chain goes on in the next", () =>
  withFolder(async (folder) => {
    const path = join(folder, "audit.jsonl");
    for (let turn = 0; turn < 4; turn++) {
      const log = new AuditLog(path, 600);
      for (let timeMs = 0; timeMs < 5; timeMs++) log.append({ ...entry, timeMs });
      log.close();
      // As if it had ended between closing a file and the next one's first line.
      if (turn === 2) renameSync(path, join(folder, closedName(readFileSync(path, "utf8"))));
    }
    const files = readdirSync(folder).sort();
    const closed = files.filter((name) => name !== "audit.jsonl");
    assert.ok(closed.length > 3, files.join());
    const paths = [...closed, "audit.jsonl"].map((name) => join(folder, name));
    const all = paths.map((each) => readFileSync(each, "utf8")).join("");
    const lines = all
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { sequence: number; action: string });
    assert.equal(
      lines.map(({ sequence }) => sequence),
      lines.map((_, index) => index + 1),
    );
    assert.is(lines.filter(({ action }) => action === "interrupt").length, 20, "none is lost");
    for (const each of paths) assert.ok(statSync(each).size < 1_400);
    const told = await runReprise(["audit", "verify", ...paths, "--json"]);
    assert.equal([told.code, JSON.parse(told.stdout).first], [0, 1], told.stderr);
    assert.is(JSON.parse(told.stdout).count, lines.length);
    const [, , third = ""] = paths;
    const one = await runReprise(["audit", "verify", third]);
    assert.match(one.stdout, /lines [1-9]\d* to \d+, whole/);
    // One that is missing, and a first line that was taken away, show.
    const gap = await runReprise(["audit", "verify", ...paths.filter((each) => each !== third)]);
    assert.is.not(gap.code, 0);
    const headless = readFileSync(third, "utf8").replace(/^.*\n/, "");
    assert.throws(() => verifyAudit(Buffer.from(headless), third), /line 1/);
  }));

test("a whole line that was touched still refuses the start, and nothing is cut", () =>
  withFolder(async (folder) => {
    const path = join(folder, "audit.jsonl");
    const log = new AuditLog(path);
    for (let timeMs = 0; timeMs < 3; timeMs++) log.append({ ...entry, timeMs });
    log.close();
    const bad = Buffer.concat([
      Buffer.from(readFileSync(path, "utf8").replace("proceed", "refused")),
      Buffer.from('{"sequence":4,'),
    ]);
    writeFileSync(path, bad);
    assert.throws(() => new AuditLog(path), /line 2: |line 2/);
    assert.equal(readFileSync(path), bad);
  }));

test("the service starts, says so by event, metric and line, and verify tells of it before", () =>
  withFolder(async (folder) => {
    const yaml = `${ENFORCING}\nledger: { folder: ${folder}/ledger }`;
    const path = join(folder, "audit.jsonl");
    await withService(yaml, async (call) => {
      for (const id of ["a", "b"]) await call("PUT", "/v1/instances", registration(id));
      for (const instanceId of ["a", "b"]) {
        const { status } = await call("POST", "/v1/interruptions", { instanceId });
        assert.is(status, 200);
      }
    });
    truncateSync(path, statSync(path).size - 30);
    const told = await runReprise(["audit", "verify", path]);
    assert.is(told.code, 0, told.stderr);
    assert.match(told.stdout, /1 lines, whole/);
    assert.match(told.stdout, /bytes of a line that was cut short/);
    await withService(yaml, async (call, { runtime }) => {
      const kinds = runtime.events.since(0).map(({ event }) => event.kind);
      assert.ok(kinds.includes("audit-mended"));
      const { body } = await call("GET", "/metrics");
      assert.match(String(body.text), /^reprise_audit_mended_bytes [1-9]\d*$/m);
    });
    const after = await runReprise(["audit", "verify", path, "--json"]);
    const { count, tornBytes } = JSON.parse(after.stdout) as Record<string, number>;
    assert.equal([count, tornBytes], [2, 0], "the first act and the line about the second");
    assert.match(readFileSync(path, "utf8"), /"action":"mend"/);
  }));

test.run();
