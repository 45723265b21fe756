/**
 * The what-if page of examples/browser in Chromium: the binary answers there without a server, with
 * the bits that it has here.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileBinary } from "../../host/core/binary.js";
import { shippedWeightsFile } from "../../host/model/shipped-weights.js";
import { findChromium, launch, openPage } from "../e2e/browser.js";

const test = suite("core/browser");
const folder = new URL("../../../../examples/browser/", import.meta.url);

interface Question {
  readonly samples: string;
  readonly limits: string;
  readonly outage: string;
  readonly nodes: string;
}

interface Answer {
  readonly verdict: string;
  readonly node: number;
  readonly need: readonly number[];
  readonly envelope: readonly number[];
  readonly taken: number;
  readonly dropped: number;
}

interface WhatIfModule {
  readonly WhatIf: new (
    module: WebAssembly.Module,
    weights: unknown,
  ) => { ask(question: Question): Answer };
  readTensors(buffer: ArrayBuffer): unknown;
}

const { WhatIf, readTensors } = (await import(
  new URL("what-if.js", folder).href
)) as unknown as WhatIfModule;

function openHere() {
  const bytes = readFileSync(shippedWeightsFile() ?? "");
  const weights = readTensors(new Uint8Array(bytes).buffer);
  return new WhatIf(compileBinary("release"), weights);
}

const wave = Array.from({ length: 40 }, (_, step) => `${5 * step}, ${1 + (step % 7) / 4}, 3, , 2`);
const QUESTION: Question = {
  samples: `${wave.join("\n")}\n0, 1, 1, 1, 1`,
  limits: "4, 8",
  outage: "15",
  nodes: "0.5, 1, 10, 10\n12, 40, 900, 400\n6, 16, 900, 400",
};

test("here: the tightest node, what is late dropped, what is none refused", () => {
  const whatIf = openHere();
  const answer = whatIf.ask(QUESTION);
  assert.is(answer.dropped, 1);
  assert.is(answer.taken, 40);
  assert.is(answer.verdict, "proceed");
  assert.is(answer.node, 2);
  assert.is(whatIf.ask({ ...QUESTION, nodes: "0.5, 1, 10, 10" }).verdict, "defer");
  assert.is(whatIf.ask({ ...QUESTION, samples: "0, 1" }).verdict, "unknown");
  assert.throws(() => whatIf.ask({ ...QUESTION, limits: "four" }), /line 1: "four" is no number/);
  // Nothing of other questions is left.
  assert.equal(whatIf.ask(QUESTION), answer);
});

const executable = (() => {
  try {
    return findChromium(undefined);
  } catch (error) {
    process.stdout.write(`skipped: ${(error as Error).message}\n`);
    return undefined;
  }
})();
const run = executable === undefined ? test.skip : test;

let server: ChildProcess | undefined;
let browser: Browser | undefined;
test.after(async () => {
  await browser?.close();
  server?.kill();
});

async function shown(page: Page): Promise<Answer> {
  await page.waitForSelector("body[data-answer]", { state: "attached" });
  return JSON.parse((await page.getAttribute("body", "data-answer")) ?? "") as Answer;
}

run("in Chromium: the page answers, asks nothing of others, and has the same bits", async () => {
  server = spawn(process.execPath, [fileURLToPath(new URL("serve.mjs", folder)), "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(server.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  const address = `${line}`.trim();
  browser = await launch(executable ?? "");
  const { page, complaints } = await openPage(browser, new URL(address).origin, { theme: "light" });
  await page.goto(address);
  await shown(page);
  assert.match((await page.textContent("#verdict")) ?? "", /^(Proceed|Defer)/);
  for (const [field, text] of Object.entries(QUESTION)) await page.fill(`#${field}`, text);
  assert.equal(await shown(page), openHere().ask(QUESTION));
  assert.match((await page.textContent("#verdict")) ?? "", /^Proceed: node 3 has room/);
  assert.is(await page.locator("#envelope tr").count(), 13);
  await page.fill("#limits", "four");
  assert.match((await page.textContent("#verdict")) ?? "", /"four" is no number/);
  assert.equal(complaints, []);
});

test.run();
