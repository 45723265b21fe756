/**
 * The dashboard in a real browser over the virtual cluster.
 *
 *     npm run test:e2e [-- --pictures] [-- --chromium FILE]
 */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { sleep } from "../../host/lib/clock.js";
import { DemoCluster } from "../../host/service/demo/demo-cluster.js";
import { Service } from "../../host/service/serve.js";
import { configOf, ENFORCING, registration, withFolder, withService } from "../service/support.js";
import { ROOT } from "../support/source-files.js";
import { checkAccessible, findChromium, launch, openPage, type Theme } from "./browser.js";

const { values: flags } = parseArgs({
  options: { pictures: { type: "boolean" }, chromium: { type: "string" } },
});
const executable = findChromium(flags.chromium);

const SPEED = 30;
const RESTARTS_WANTED = 6;

const demo = await DemoCluster.open({ seed: 1, minutesPerSecond: SPEED });
const service = await Service.open({
  config: configOf(`
profiler: { instancesMax: ${demo.instanceCount}, workers: 0 }
modes: { default: enforce }
log: { level: silent }`),
  version: "test",
  demo,
});
const { address, runtime } = service;
const browser = await launch(executable);
const e2e = suite("dashboard");

e2e.after(async () => {
  await browser.close();
  await service.close();
});

async function waitFor(what: string, isSo: () => boolean, seconds = 120): Promise<void> {
  for (let tenth = 0; tenth < seconds * 10; tenth++) {
    if (isSo()) return;
    await sleep(100);
  }
  assert.unreachable(`no ${what} within ${seconds} s`);
}

e2e("the virtual cluster has lived long enough to be looked at", async () => {
  const measured = () => runtime.outcomes.quality.report().restarts;
  await waitFor("measured restart", () => measured() >= RESTARTS_WANTED, 240);
});

/** The one with the most restarts behind it. */
function wellKnown(): string {
  const ids = [...runtime.profiler.instanceIds()];
  const count = (id: string) => runtime.outcomes.of(id).length;
  return ids.sort((a, b) => count(b) - count(a))[0] ?? "";
}

/** One that chose among several, if there is. */
function tellingDecision(): string {
  const all = [...runtime.ledger.entries("decision")].map(([, decision]) => decision);
  const best = all
    .filter(({ kind }) => kind === "proceed")
    .sort((a, b) => b.candidates.length - a.candidates.length)[0];
  return (best ?? all[0])?.decisionId ?? "";
}

const PAGES: readonly (readonly [string, () => string, string])[] = [
  ["cluster", () => "#/cluster", ".time-chart canvas"],
  ["instances", () => "#/instances", ".virtual tbody td a"],
  ["instance", () => `#/instances/${encodeURIComponent(wellKnown())}`, ".fan-truth"],
  ["decisions", () => "#/decisions", ".timeline li"],
  ["decision", () => `#/decisions/${encodeURIComponent(tellingDecision())}`, ".facts"],
  ["reservations", () => "#/reservations", "main h1"],
  ["quality", () => "#/quality", ".time-chart canvas"],
  ["plan", () => "#/plan", "form"],
];

/** Those that pages of the documentation show. */
const PICTURES = new Set(["cluster-light", "cluster-dark", "instance-light", "decision-dark"]);

for (const theme of ["light", "dark"] satisfies Theme[]) {
  for (const [name, path, proof] of PAGES) {
    e2e(`${name}, ${theme}: shows, is accessible, and the console is silent`, async () => {
      const { page, complaints } = await openPage(browser, address, { theme });
      await page.goto(`${address}/${path()}`);
      await page.waitForSelector(proof, { timeout: 60_000 });
      if (name === "plan") await fillPlan(page);
      if (name === "cluster") await page.waitForSelector(".feed li", { timeout: 60_000 });
      await checkAccessible(page, `${name}, ${theme}`);
      if (flags.pictures === true && PICTURES.has(`${name}-${theme}`)) {
        const file = `${ROOT}docs/pictures/dashboard-${name}-${theme}.png`;
        await page.screenshot({ path: file });
      }
      assert.equal(complaints, []);
      await page.context().close();
    });
  }
}

type Opened = Awaited<ReturnType<typeof openPage>>["page"];

async function fillPlan(page: Opened): Promise<void> {
  await page.getByLabel("Instance", { exact: true }).fill(wellKnown());
  await page.getByRole("button", { name: "Show the plan" }).click();
  await page.waitForSelector(".facts", { timeout: 60_000 });
}

e2e("one interruption is watched from its request to the hand-over", async () => {
  const { page, complaints } = await openPage(browser, address, { theme: "light" });
  await page.goto(`${address}/#/cluster`);
  await page.waitForSelector(".live.on");
  const { instanceId, requestId } = await requestOne();
  const feed = page.locator(".feed");
  await feed.getByRole("link", { name: requestId, exact: true }).first().waitFor();
  const told = await page.waitForFunction(
    handOver,
    { instanceId, requestId },
    { timeout: 180_000 },
  );
  assert.match(await told.jsonValue(), /from the room kept for it/);
  assert.equal(complaints, []);
  await page.context().close();
});

/** What the feed says of the instance being back, once it also says that it went down, both after
 * the decision. Newest first: what came later stands before. */
function handOver({ instanceId, requestId }: Readonly<Record<string, string>>): string {
  const lines = [...document.querySelectorAll(".feed li")];
  const names = (line: Element): string => line.querySelector("a")?.textContent ?? "";
  const asked = lines.findIndex((line) => names(line) === requestId);
  const later = lines.slice(0, asked).filter((line) => names(line) === instanceId);
  const of = (state: string): string =>
    later.find((line) => line.querySelector(".badge")?.textContent === state)?.textContent ?? "";
  return of("Down") === "" ? "" : of("Back");
}

/** Interrupts, over HTTP, the first instance that may be. */
async function requestOne(): Promise<{ readonly instanceId: string; readonly requestId: string }> {
  for (let round = 0; round < 200; round++) {
    for (const instanceId of runtime.profiler.instanceIds()) {
      const asked = await send("/v1/considerations", { interrupt: { instanceId } });
      if (asked.kind !== "proceed") continue;
      const requestId = `watched-${instanceId}-${round}`;
      const body = { instanceId, requestId, outageMinutes: 10 };
      const answer = await send("/v1/interruptions", body);
      if (answer.kind === "proceed") return { instanceId, requestId };
      await fetch(`${address}/v1/requests/${requestId}`, { method: "DELETE" });
    }
    await sleep(200);
  }
  return assert.unreachable("nobody may be interrupted") as never;
}

async function send(path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  const headers = { "content-type": "application/json" };
  const reply = await fetch(`${address}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  return (await reply.json()) as Readonly<Record<string, unknown>>;
}

e2e("search, sort, theme and what-if work by keyboard alone", async () => {
  const { page, complaints } = await openPage(browser, address, { theme: "light" });
  await page.goto(`${address}/#/instances`);
  await page.waitForSelector(".virtual tbody td a");
  await page.keyboard.press("Tab");
  assert.is(await page.evaluate("document.activeElement.className"), "skip");
  const id = wellKnown();
  await page.getByRole("searchbox").focus();
  await page.keyboard.type(id);
  // Not waitForFunction: it evaluates a text in the page, which the page's own policy forbids.
  await page.locator(".virtual tbody tr:nth-child(4) td a").waitFor({ state: "detached" });
  const header = page.getByRole("button", { name: "Instance", exact: false }).first();
  await header.focus();
  await page.keyboard.press("Enter");
  assert.is(await page.locator("th[aria-sort=ascending]").count(), 1);
  await page.locator(".virtual tbody td a").first().focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector(".fan");
  await page.getByRole("button", { name: "Use dark colours" }).focus();
  await page.keyboard.press("Enter");
  await page.locator("html[data-theme=dark]").waitFor();
  assert.equal(complaints, []);
  await page.context().close();
});

e2e("a service with tokens asks for one, and it lets in for as long as the tab lives", () =>
  withFolder(async (folder) => {
    const tokensFile = join(folder, "tokens");
    const sha256 = createHash("sha256").update("a-secret").digest("hex");
    writeFileSync(tokensFile, JSON.stringify({ name: "reader", role: "read", sha256 }));
    await withService(`${ENFORCING}\nauth: { tokensFile: ${tokensFile} }`, async (_, closed) => {
      const { page } = await openPage(browser, closed.address, { theme: "light" });
      await page.goto(`${closed.address}/#/reservations`);
      await page.getByLabel("Token").fill("a-secret");
      await checkAccessible(page, "token");
      await page.keyboard.press("Enter");
      await page.getByText("No room is reserved now.").waitFor({ timeout: 60_000 });
      await page.waitForSelector(".live.on", { timeout: 60_000 });
      await page.context().close();
    });
  }),
);

const MANY = 10_000;

e2e(`${MANY} instances: only those in sight are in the page, and it scrolls`, async () => {
  const config = configOf(`${ENFORCING}`.replace("instancesMax: 64", `instancesMax: ${MANY}`));
  const large = await Service.open({ config, version: "test" });
  try {
    for (let n = 0; n < MANY; n++) {
      const { allocation: _, ...one } = registration(`i-${`${n}`.padStart(5, "0")}`) as {
        readonly allocation?: unknown;
      };
      large.runtime.profiler.register(one as Parameters<typeof large.runtime.register>[0]);
    }
    const { page, complaints } = await openPage(browser, large.address, { theme: "light" });
    await page.goto(`${large.address}/#/instances`);
    await page.getByText(`${MANY} of ${MANY}`).waitFor({ timeout: 60_000 });
    assert.ok((await page.locator(".virtual tbody tr").count()) < 80);
    const perFrame = (await busyMs(page, () => page.evaluate(SCROLL))) / FRAMES;
    process.stdout.write(`  scrolled: ${perFrame.toFixed(1)} ms of the page's thread a frame\n`);
    assert.ok(perFrame < FRAME_MS_MAX, `a frame takes ${perFrame} ms`);
    assert.ok((await page.locator(".virtual tbody tr").count()) < 80);
    assert.equal(complaints, []);
    await page.context().close();
  } finally {
    await large.close();
  }
});

/** Time that the page's own thread ran meanwhile; how long it waited for a core does not count. */
async function busyMs(page: Opened, body: () => Promise<unknown>): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const read = async (): Promise<number> => {
    const { metrics } = await session.send("Performance.getMetrics");
    return (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN) * 1_000;
  };
  const before = await read();
  await body();
  return (await read()) - before;
}

const FRAMES = 120;
const PX_A_FRAME = 500;
/** 60 frames a second. */
const FRAME_MS_MAX = 16;

/** As fast as a hard fling: most of a screen each frame. */
const SCROLL = `new Promise((resolve) => {
  const box = document.querySelector(".virtual");
  let frame = 0;
  const next = () => {
    box.scrollTop = ++frame * ${PX_A_FRAME};
    if (frame < ${FRAMES}) requestAnimationFrame(next);
    else resolve();
  };
  requestAnimationFrame(next);
})`;

e2e.run();
