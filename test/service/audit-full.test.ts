/** A disk that becomes full within a line of the audit log, or between two of its files. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { AuditLog, verifyAudit } from "../../host/service/audit.js";

const test = suite("the audit log on a full disk");
const entry = { timeMs: 1, caller: "c", action: "interrupt", subject: "s", outcome: "proceed" };

/** Calls back with a folder on a disk of its own, or says that it cannot. */
function withDisk(options: string, use: (folder: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), "reprise-audit-"));
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", root]).status === 0;
  try {
    if (isMounted) use(root);
    else console.log("skipped: no right to mount a small file system here");
  } finally {
    if (isMounted) spawnSync("umount", [root]);
    rmSync(root, { recursive: true, force: true });
  }
}

/** @returns lines that were refused */
function appendTo(log: AuditLog, count: number): number {
  let refused = 0;
  for (let timeMs = 0; timeMs < count; timeMs++) {
    try {
      log.append({ ...entry, timeMs });
    } catch (error) {
      assert.is((error as NodeJS.ErrnoException).code, "ENOSPC");
      refused++;
    }
  }
  return refused;
}

test("a line is in the file whole or not at all, and the chain holds once there is room", () =>
  withDisk("size=8k", (folder) => {
    const path = join(folder, "audit.jsonl");
    const log = new AuditLog(path);
    writeFileSync(join(folder, "filler"), Buffer.alloc(4_096));
    const refused = appendTo(log, 40);
    assert.ok(refused > 0 && refused < 40, `${refused} refused`);
    const full = verifyAudit(readFileSync(path), path);
    assert.equal([full.count, full.tornBytes], [40 - refused, 0]);
    rmSync(join(folder, "filler"));
    assert.is(appendTo(log, 3), 0);
    log.close();
    assert.is(verifyAudit(readFileSync(path), path).count, 43 - refused);
    new AuditLog(path).close();
  }));

test("where no other file can be begun the old one grows on, and is closed later", () =>
  withDisk("size=1m,nr_inodes=3", (folder) => {
    const path = join(folder, "audit.jsonl");
    const log = new AuditLog(path, 300);
    writeFileSync(join(folder, "filler"), "");
    assert.is(appendTo(log, 5), 0);
    assert.equal(readdirSync(folder).sort(), ["audit.jsonl", "filler"]);
    assert.is(verifyAudit(readFileSync(path), path).count, 5);
    rmSync(join(folder, "filler"));
    assert.is(appendTo(log, 1), 0);
    log.close();
    const names = readdirSync(folder).sort();
    assert.equal(names, ["audit-000000000001-000000000005.jsonl", "audit.jsonl"]);
    const [closed = ""] = names.map((name) => join(folder, name));
    const before = verifyAudit(readFileSync(closed), closed);
    assert.is(verifyAudit(readFileSync(path), path, before).count, 7, "with the line that goes on");
  }));

test.run();
