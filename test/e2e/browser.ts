/** Debian's Chromium under playwright, and what is wanted of every page that it opens. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, chromium, type Page } from "playwright-core";
import * as assert from "uvu/assert";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** @throws saying what to install */
export function findChromium(given: string | undefined): string {
  const found = given ?? PLACES.find((place) => existsSync(place));
  if (found !== undefined && existsSync(found)) return found;
  throw new Error(
    `no browser at ${given ?? PLACES.join(", ")}: apt-get install chromium, or --chromium FILE`,
  );
}

export function launch(executablePath: string): Promise<Browser> {
  // The sandbox needs rights that containers do not give; the pages are our own.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
}

export type Theme = "light" | "dark";

export interface WatchedPage {
  readonly page: Page;
  /** What the browser complained of. */
  readonly complaints: string[];
}

export async function openPage(
  browser: Browser,
  address: string,
  { theme, height = 900 }: { readonly theme: Theme; readonly height?: number },
): Promise<WatchedPage> {
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: { width: 1360, height },
    baseURL: address,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(address)) complaints.push(`asked for ${request.url()}`);
  });
  return { page, complaints };
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeReport {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string | null;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** Fails on what axe-core finds serious or worse. */
export async function checkAccessible(page: Page, where: string): Promise<void> {
  await page.evaluate(axe);
  const report = (await page.evaluate("axe.run()")) as AxeReport;
  const found = report.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
  assert.equal(found, [], where);
}
