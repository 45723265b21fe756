/** `reprise plan --dry-run`: what a running service would decide now. Nothing is written or held. */
import { Command, InvalidArgumentError, Option } from "commander";
import { RESOURCES } from "../core/abi.js";
import { SystemClock } from "../lib/clock.js";
import { RepriseError } from "../lib/errors.js";
import { ClientError, RepriseClient } from "../service/client.js";
import type { Environment } from "../service/config/load.js";
import { whole } from "./arguments.js";
import { formatTable, printJson, printLine } from "./output.js";

const MINUTE_MS = 60_000;

const EXAMPLES = `
Examples:
  $ reprise plan --dry-run --interrupt job-7
  $ reprise plan --dry-run --reclaim cpu=4,memory=16 --nodes n1,n2 --priority-max 2
  $ reprise plan --dry-run --reclaim cpu=4 --nodes n1 --purpose capacity-loss --force --deadline 2
  $ reprise plan --dry-run --interrupt job-7 --url https://reprise.example:8787 --json

The token is read from REPRISE_TOKEN. To act on it: POST /v1/interruptions or /v1/reclaims.
Of a decision that was made already: reprise explain ID --what-if key=value.`;

type Purpose = "requester" | "capacity-loss";
type Asked = Parameters<RepriseClient["consider"]>[0];
type Considered = Awaited<ReturnType<RepriseClient["consider"]>>;

interface PlanFlags {
  readonly dryRun?: boolean;
  readonly url: string;
  readonly interrupt?: string;
  readonly reclaim?: Amounts;
  readonly nodes?: readonly string[];
  readonly priorityMax: number;
  readonly deadline: number;
  readonly purpose: Purpose;
  readonly outage?: number;
  readonly force?: boolean;
  readonly json?: boolean;
}

type Amounts = Record<(typeof RESOURCES)[number], number>;

export function planCommand(environment: Environment): Command {
  const purpose = new Option("--purpose <name>", "who gets the room, or where it goes")
    .choices(["requester", "capacity-loss"])
    .default("requester");
  return new Command("plan")
    .description("asks a running service what it would decide now, without acting")
    .option("--dry-run", "needed: this command only asks")
    .option("--interrupt <ID>", "may this instance be interrupted?")
    .option("--reclaim <amounts>", "free this much, as cpu=4,memory=16", readAmounts)
    .option("--nodes <IDs>", "where to free it, by comma", (text) => text.split(","))
    .option("--priority-max <N>", "touch nobody above it", readPriority, Number.MAX_SAFE_INTEGER)
    .option("--deadline <minutes>", "from now", whole(1, 10_080), 10)
    .addOption(purpose)
    .option("--outage <minutes>", "how long victims stay down", whole(0, 10_080))
    .option("--force", "proceed at the deadline even with a shortfall")
    .option("--url <URL>", "of the service", "http://127.0.0.1:8787")
    .option("--json", "print the decision as JSON")
    .addHelpText("after", EXAMPLES)
    .action((flags: PlanFlags) => plan(flags, environment));
}

async function plan(flags: PlanFlags, { REPRISE_TOKEN: token }: Environment): Promise<void> {
  if (flags.dryRun !== true) {
    const details = { field: "--dry-run", got: "nothing", expected: "--dry-run" };
    throw new RepriseError("ERR_ARGUMENT", "plan asks and never acts: say --dry-run", details);
  }
  const asked = questionOf(flags, new SystemClock().nowMs());
  const client = new RepriseClient({
    address: flags.url,
    attemptsMax: 1,
    ...(token === undefined ? {} : { token }),
  });
  const decision = await client.consider(asked).catch((error: unknown) => {
    if (error instanceof ClientError) throw error;
    const details = { field: "--url", got: flags.url, expected: "a running service" };
    throw new RepriseError("ERR_ARGUMENT", "the service does not answer", details, error);
  });
  if (flags.json === true) printJson(decision);
  else printDecision(decision);
}

function questionOf(flags: PlanFlags, nowMs: number): Asked {
  const { interrupt, reclaim, nodes, priorityMax, purpose, outage, force } = flags;
  const deadlineMs = nowMs + flags.deadline * MINUTE_MS;
  const beside = {
    ...(outage === undefined ? {} : { outageMinutes: outage }),
    ...(force === true ? { force, deadlineMs } : {}),
  };
  if (interrupt !== undefined && reclaim === undefined) {
    return { interrupt: { instanceId: interrupt, ...beside } };
  }
  if (reclaim !== undefined && interrupt === undefined && nodes !== undefined) {
    const request = { nodeIds: [...nodes], amounts: reclaim, deadlineMs, priorityMax, purpose };
    return { reclaim: { ...request, ...beside } };
  }
  throw new RepriseError("ERR_ARGUMENT", "one question", {
    field: "--interrupt, --reclaim",
    expected: "either --interrupt ID, or --reclaim AMOUNTS with --nodes IDs",
  });
}

function readAmounts(text: string): Amounts {
  const amounts: Amounts = { cpu: 0, memory: 0, network: 0, disk: 0 };
  for (const part of text.split(",")) {
    const [name, value = ""] = part.split("=");
    const resource = RESOURCES.find((each) => each === name);
    const amount = value === "" ? Number.NaN : Number(value);
    if (resource === undefined || !(amount >= 0 && Number.isFinite(amount))) {
      throw new InvalidArgumentError(`expected amounts of ${RESOURCES.join(", ")}, as cpu=4`);
    }
    amounts[resource] = amount;
  }
  return amounts;
}

function readPriority(text: string): number {
  const priority = text === "" ? Number.NaN : Number(text);
  if (Number.isFinite(priority)) return priority;
  throw new InvalidArgumentError("expected a number");
}

function printDecision(decision: Considered): void {
  const { kind, reasons, retryAtMs, victims, runnerUp } = decision;
  printLine(`would ${kind}; nothing was done`);
  if (retryAtMs !== undefined) printLine(`retry at ${new Date(retryAtMs).toISOString()}`);
  for (const { code, text } of reasons) printLine(`because  ${code}: ${text}`);
  printLine(`victims  ${victims.join(", ") || "nobody"}`);
  if (runnerUp !== undefined) printLine(`runner-up ${runnerUp}`);
  const rows = candidatesOf(decision).map((each) => [
    each.instanceId,
    String(each.priority),
    each.cost.toFixed(3),
    each.chosen ? "chosen" : (each.excludedBy ?? "spared"),
  ]);
  if (rows.length > 0) printLine(`\n${formatTable(["candidate", "class", "cost", ""], rows)}`);
}

interface Scored {
  readonly instanceId: string;
  readonly priority: number;
  readonly cost: number;
  readonly chosen: boolean;
  readonly excludedBy?: string;
}

/** The service sends them along; its schema leaves further fields open. */
function candidatesOf(decision: Considered): readonly Scored[] {
  const { candidates } = decision as { readonly candidates?: readonly Scored[] };
  return candidates ?? [];
}
