/** `reprise top`: a running service in a terminal. */
import { Command, InvalidArgumentError } from "commander";
import { sleep } from "../lib/clock.js";
import { RepriseError } from "../lib/errors.js";
import type { Environment } from "../service/config/load.js";
import { printJson, printLine } from "./output.js";
import {
  formatTop,
  type TopDecision,
  type TopInstance,
  type TopPool,
  type TopReport,
} from "./top-view.js";

interface TopFlags {
  readonly address: string;
  readonly every: number;
  readonly rows: number;
  readonly once?: boolean;
  readonly json?: boolean;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface TopQuestion {
  readonly address: string;
  /** Bearer token, where the service asks for one. */
  readonly token?: string;
  readonly rows: number;
}

const PAGE = 1_000;
const DECISIONS_SHOWN = 8;
/** Another screen for as long as it runs, without a cursor; then the one before again. */
const ENTER_SCREEN = "\u001b[?1049h\u001b[?25l";
const LEAVE_SCREEN = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

const EXAMPLES = `
Examples:
  $ reprise top                      the service on this machine, until Ctrl-C
  $ reprise top --once               one look, for a pipe
  $ reprise top --once --json        the same for machines
  $ REPRISE_TOKEN=... reprise top --address https://reprise.example:8787`;

export function topCommand(environment: Environment): Command {
  return new Command("top")
    .description("shows a running service in the terminal: headroom, who fits worst, decisions")
    .option("--address <URL>", "of the service", "http://127.0.0.1:8787")
    .option("--every <seconds>", "between two looks", seconds, 2)
    .option("--rows <N>", "instances shown", rowCount, 12)
    .option("--once", "one look only")
    .option("--json", "one JSON document a look")
    .addHelpText("after", EXAMPLES)
    .action((flags: TopFlags) => top(flags, environment));
}

async function top(flags: TopFlags, environment: Environment): Promise<void> {
  const { REPRISE_TOKEN: token } = environment;
  const { address, rows } = flags;
  const question = { address, rows, ...(token === undefined ? {} : { token }) };
  const { stdout } = process;
  const isScreen = stdout.isTTY === true && flags.json !== true && flags.once !== true;
  let isOver = flags.once === true;
  const ended = new Promise<void>((resolve) => {
    process.once("SIGINT", () => {
      isOver = true;
      resolve();
    });
  });
  if (isScreen) stdout.write(ENTER_SCREEN);
  try {
    do {
      const report = await lookAt(question);
      if (flags.json === true) printJson(report);
      else if (isScreen) stdout.write(screenOf(report, stdout.rows, stdout.columns));
      else printLine(formatTop(report, false));
      if (!isOver) await Promise.race([ended, sleep(flags.every * 1_000)]);
    } while (!isOver);
  } finally {
    if (isScreen) stdout.write(LEAVE_SCREEN);
    // Nothing is waited for any more, also when the look failed.
    process.removeAllListeners("SIGINT");
  }
}

/** Written over what was there, line by line, so that nothing flickers. */
function screenOf(report: TopReport, rows: number, columns: number): string {
  const lines = formatTop(report, true)
    .split("\n")
    .slice(0, rows - 1);
  const text = lines.map((line) => `${cut(line, columns)}${CLEAR_LINE}\n`).join("");
  return `${HOME}${text}${CLEAR_BELOW}`;
}

/** A line without control codes is cut to the screen; those with them are short. */
function cut(line: string, columns: number): string {
  return line.includes("\u001b") ? line : line.slice(0, columns);
}

/** @throws ERR_ARGUMENT when the service does not answer or does not let in */
export async function lookAt({ address, token, rows }: TopQuestion): Promise<TopReport> {
  const read = reader(address, token);
  const [total, decisions, leases, fleet] = await Promise.all([
    read<TopPool>("/v1/pools/total"),
    read<Page<TopDecision>>(`/v1/decisions?limit=${DECISIONS_SHOWN}`),
    read<Page<{ readonly state: string }>>(`/v1/reservations?limit=${PAGE}`),
    readFleet(read),
  ]);
  const { instances, nowMs } = fleet;
  const worstFirst = [...instances].sort((a, b) => (b.crowding ?? -1) - (a.crowding ?? -1));
  return {
    address,
    nowMs,
    instanceCount: instances.length,
    downCount: instances.filter(({ running }) => !running).length,
    heldCount: leases.items.filter(({ state }) => state === "held").length,
    total,
    instances: worstFirst.slice(0, rows),
    decisions: decisions.items,
  };
}

type Read = <T>(path: string) => Promise<T>;

async function readFleet(read: Read) {
  const instances: TopInstance[] = [];
  let after = "";
  for (;;) {
    const path = `/v1/fleet?limit=${PAGE}${after}`;
    const page = await read<Page<TopInstance> & { readonly nowMs: number }>(path);
    instances.push(...page.items);
    if (page.next === null) return { instances, nowMs: page.nowMs };
    after = `&after=${encodeURIComponent(page.next)}`;
  }
}

function reader(address: string, token: string | undefined): Read {
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` };
  return async <T>(path: string): Promise<T> => {
    let reply: Response;
    try {
      reply = await fetch(new URL(path, address), { headers });
    } catch (cause) {
      const details = { field: "address", got: address, expected: "a running reprise serve" };
      throw new RepriseError("ERR_ARGUMENT", "the service does not answer", details, cause);
    }
    if (reply.ok) return (await reply.json()) as T;
    throw new RepriseError("ERR_ARGUMENT", "the service refused", {
      field: "address",
      got: `${reply.status} at ${path}`,
      expected: reply.status === 401 ? "a token in REPRISE_TOKEN" : "200",
    });
  };
}

function seconds(text: string): number {
  const value = Number(text);
  if (value >= 0.1 && value <= 3_600) return value;
  throw new InvalidArgumentError("0.1 to 3600 is expected.");
}

function rowCount(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= PAGE) return value;
  throw new InvalidArgumentError(`a whole number from 1 to ${PAGE} is expected.`);
}
