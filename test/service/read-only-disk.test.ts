/** A file system that is read-only of a sudden: nothing acts until it is writable again. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openLmdbLedger } from "../../host/ledger/lmdb.js";
import { sleep } from "../../host/lib/clock.js";
import { rejectedBy } from "../support/thrown.js";
import { ENFORCING, registration, withService } from "./support.js";

const test = suite("a read-only file system");
const root = mkdtempSync(join(tmpdir(), "reprise-read-only-"));
const folder = join(root, "ledger");
const run = (command: string, ...words: string[]) => spawnSync(command, words).status === 0;
const isMounted = run("mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", root);

/**
 * While files are open for writing the system turns no mount read-only unless the disk itself
 * fails. A read-only view of the folder laid over it is found by its path in the same way.
 */
function turnReadOnly(): void {
  assert.ok(run("mount", "--bind", folder, folder));
  assert.ok(run("mount", "-o", "remount,bind,ro", folder));
}

test("degraded while it lasts, nothing acts, and it goes on by itself", async () => {
  if (!isMounted) {
    console.log("skipped: no right to mount a file system here");
    return;
  }
  const config = `${ENFORCING}\nledger: { folder: ${folder} }\nhttp: { decisionWaitMs: 200 }`;
  await withService(config, async (call, { runtime }) => {
    const ready = async () => (await call("GET", "/readyz")).status;
    for (const id of ["i0", "i1"]) await call("PUT", "/v1/instances", registration(id));
    assert.is(await ready(), 200);
    turnReadOnly();
    const ask = (instanceId: string, requestId: string) =>
      call("POST", "/v1/interruptions", { instanceId, requestId });
    const first = await ask("i0", "first");
    assert.ok(first.status === 202 || first.status === 503, JSON.stringify(first.body));
    assert.is(await ready(), 503);
    const refused = await ask("i1", "second");
    assert.is(refused.status, 503);
    assert.is(refused.body.code, "ERR_LEDGER");
    assert.is(refused.headers.get("retry-after"), "1");
    assert.is((await call("PUT", "/v1/instances", registration("i2"))).status, 503);
    const { body } = await call("GET", "/metrics");
    assert.match(String(body.text), /^reprise_degraded 1$/m);
    assert.is(runtime.ledger.count("decision"), 0);
    assert.ok(runtime.allocator.allocationOf("i0") !== undefined);
    assert.is((await call("GET", "/v1/instances/i0")).status, 200);
    // Another process that would take it over is told the same, and fences nobody off.
    assert.is((await rejectedBy(() => openLmdbLedger({ folder }))).code, "ERR_LEDGER");

    assert.ok(run("umount", folder));
    for (let attempt = 0; (await ready()) !== 200; attempt++) {
      assert.ok(attempt < 200, "it does not recover");
      await sleep(25);
    }
    const after = await ask("i1", "after");
    assert.is(after.status, 200, JSON.stringify(after.body));
    assert.is(after.body.kind, "proceed");
    if (first.status === 202) {
      assert.is((await call("GET", "/v1/requests/first")).body.kind, "proceed");
    }
    runtime.allocator.checkInvariants();
  });
});

test.before(() => {
  mkdirSync(folder, { recursive: true });
});
test.after(() => {
  if (isMounted) run("umount", root);
  rmSync(root, { recursive: true, force: true });
});
test.run();
