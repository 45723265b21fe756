import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { lookAt } from "../../host/cli/top.js";
import { formatTop } from "../../host/cli/top-view.js";
import type { RepriseError } from "../../host/lib/errors.js";
import { ENFORCING, registration, withFolder, withService } from "../service/support.js";
import { ROOT } from "../support/source-files.js";

async function runTop(...words: string[]) {
  const child = spawn(process.execPath, [`${ROOT}build/js/host/main.js`, "top", ...words]);
  let out = "";
  let err = "";
  child.stdout.on("data", (part) => {
    out += part;
  });
  child.stderr.on("data", (part) => {
    err += part;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

test("shows headroom, who fits worst first, and decisions", () =>
  withService(ENFORCING, async (call, { address }) => {
    await call("PUT", "/v1/instances", registration("small"));
    const requested = { cpu: 7, memory: 2, network: 10, disk: 5 };
    await call("PUT", "/v1/instances", registration("large", { requested, nodeId: "n1" }));
    await call("POST", "/v1/interruptions", { instanceId: "nobody", requestId: "asked" });
    const report = await lookAt({ address, rows: 1 });
    assert.is(report.instanceCount, 2);
    assert.is(report.downCount, 0);
    assert.equal(
      report.instances.map(({ instanceId }) => instanceId),
      ["large"],
    );
    assert.is(report.total.allocated.cpu, 2);
    assert.is(report.decisions[0]?.kind, "refuse");
    const text = formatTop(report, false);
    assert.match(text, /^cpu +████░{26} +2\.00 +16\.00 cores +14\.00 +14\.00 +14\.00$/m);
    assert.match(text, /^asked .* refuse +UNKNOWN_INSTANCE/m);
    assert.not.ok(text.includes("\u001b"));

    const { code, out, err } = await runTop("--once", "--json", "--address", address);
    assert.is(err, "");
    assert.is(code, 0);
    assert.is((JSON.parse(out) as { instanceCount: number }).instanceCount, 2);
  }));

test("says when nobody answers, and when a token is needed", async () => {
  const none = await runTop("--once", "--address", "http://127.0.0.1:9");
  assert.is(none.code, 1);
  assert.match(none.err, /ERR_ARGUMENT: .*the service does not answer/);
  assert.is((await runTop("--every", "0")).code, 2);
  await withFolder(async (folder) => {
    const tokensFile = join(folder, "tokens");
    const sha256 = createHash("sha256").update("secret").digest("hex");
    writeFileSync(tokensFile, JSON.stringify({ name: "reader", role: "read", sha256 }));
    await withService(`${ENFORCING}\nauth: { tokensFile: ${tokensFile} }`, async (_, service) => {
      const { address } = service;
      const refused = await lookAt({ address, rows: 5 }).catch((error: unknown) => error);
      assert.match(JSON.stringify((refused as RepriseError).context), /REPRISE_TOKEN/);
      assert.is((await lookAt({ address, token: "secret", rows: 5 })).instanceCount, 0);
    });
  });
});

test.run();
