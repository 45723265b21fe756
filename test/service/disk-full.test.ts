/** A disk that is full: nothing acts, the service says so, and goes on by itself once there is room. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { sleep } from "../../host/lib/clock.js";
import { ENFORCING, registration, withService } from "./support.js";

const test = suite("a full disk");
const root = mkdtempSync(join(tmpdir(), "reprise-full-"));
const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", root]).status === 0;

/** Waits for what must come sooner or later. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await isSo()) return;
    await sleep(25);
  }
  assert.unreachable("it did not come about");
}

test("degraded while it lasts, without a lost or a half decision", async () => {
  if (!isMounted) {
    console.log("skipped: no right to mount a small file system here");
    return;
  }
  const more = `ledger: { folder: ${join(root, "ledger")} }\nhttp: { decisionWaitMs: 200 }`;
  const config = `${ENFORCING}\n${more}`;
  await withService(config, async (call, { runtime }) => {
    const ready = async () => (await call("GET", "/readyz")).status;
    for (let index = 0; index < 4; index++) {
      await call("PUT", "/v1/instances", registration(`i${index}`));
    }
    assert.is(await ready(), 200);
    const kinds: (string | null)[] = [];
    runtime.events.follow(({ event }) => {
      if (event.kind === "health") kinds.push(event.degraded);
    });
    fill();
    const before = runtime.ledger.count("decision");
    const first = await call("POST", "/v1/interruptions", { instanceId: "i1", requestId: "first" });
    // Taken, to be decided once there is room; or a turn found the disk full before it came.
    assert.ok(first.status === 202 || first.status === 503, JSON.stringify(first.body));
    assert.is(await ready(), 503);
    assert.is(runtime.ledger.count("decision"), before);
    const refused = await call("POST", "/v1/interruptions", { instanceId: "i0" });
    assert.is(refused.status, 503);
    assert.is(refused.body.code, "ERR_LEDGER");
    const { body } = await call("GET", "/metrics");
    assert.match(String(body.text), /^reprise_degraded 1$/m);
    // Reading goes on.
    assert.is((await call("GET", "/v1/instances")).status, 200);
    assert.ok(runtime.allocator.allocationOf("i0") !== undefined);
    rmSync(join(root, "filler"));
    await until(async () => (await ready()) === 200);
    const acted = await call("POST", "/v1/interruptions", { instanceId: "i0", requestId: "after" });
    assert.is(acted.status, 200, JSON.stringify(acted.body));
    const late = await call("GET", "/v1/requests/first");
    if (first.status === 202) assert.is(late.body.kind, "proceed", JSON.stringify(late.body));
    else assert.is(late.status, 404);
    assert.ok(kinds.some((kind) => kind !== null) && kinds.at(-1) === null);
    runtime.allocator.checkInvariants();
  });
});

function fill(): void {
  try {
    for (;;) writeFileSync(join(root, "filler"), Buffer.alloc(65_536), { flag: "a" });
  } catch {
    // That is what was wanted.
  }
}

test.after(() => {
  if (isMounted) spawnSync("umount", [root]);
  rmSync(root, { recursive: true, force: true });
});
test.run();
