/** `reprise explain`: why a decision was made, from the ledger alone. */
import { Command, InvalidArgumentError } from "commander";
import { replayDecision } from "../coordinator/decision.js";
import { whatIf } from "../coordinator/what-if.js";
import { RESOURCES } from "../core/abi.js";
import { canonicalJson } from "../ledger/encoding.js";
import type { Ledger } from "../ledger/ledger.js";
import { openLmdbLedger } from "../ledger/lmdb.js";
import type {
  CandidateScore,
  DecisionRecord,
  PlanRecord,
  Reason,
  ReservationRecord,
} from "../ledger/records.js";
import { RepriseError } from "../lib/errors.js";
import { formatTable, printJson, printLine, toJson } from "./output.js";

const EXAMPLES = `
Examples:
  $ reprise explain --ledger ./ledger                   the latest decisions, newest first
  $ reprise explain d-000000000042 --ledger ./ledger    one of them, with candidates and plan
  $ reprise explain d-000000000042 --ledger ./ledger --json
  $ reprise explain d-000000000042 --ledger ./ledger --what-if policy.coolDownMinutes=0
                                                        what would have been decided then

What-if keys: policy.NAME, request.force, request.deadlineMs, request.priorityMax, amount.cpu,
node.ID.cpu (so much more room, or less), instance.ID.priority, instance.ID.interruptible; cpu,
memory, network or disk.`;

const LISTED = 20;

interface ExplainOptions {
  readonly ledger: string;
  readonly limit: number;
  readonly json?: boolean;
  readonly whatIf?: Change;
}

interface Change {
  readonly key: string;
  readonly value: string;
}

export interface Explanation {
  readonly decision: DecisionRecord;
  readonly plan: PlanRecord | null;
  readonly reservations: readonly ReservationRecord[];
  /** Whether the decision, made again from its recorded inputs, comes out the same to the byte. */
  readonly replaysToSameBytes: boolean;
}

export function explainCommand(): Command {
  return new Command("explain")
    .description("say why a decision was made: inputs, candidates, scores, runner-up, plan")
    .argument("[decision]", "id of the decision; without it the latest are listed")
    .requiredOption("--ledger <folder>", "folder of the ledger")
    .option("--limit <count>", "how many decisions are listed", readLimit, LISTED)
    .option("--what-if <key=value>", "decide it again with one thing changed", readChange)
    .option("--json", "print JSON, one document a line")
    .addHelpText("after", EXAMPLES)
    .action(async (decisionId: string | undefined, options: ExplainOptions) => {
      const ledger = await openLmdbLedger({ folder: options.ledger, readOnly: true });
      try {
        const json = options.json === true;
        if (options.whatIf !== undefined) showWhatIf(ledger, decisionId, options.whatIf, json);
        else if (decisionId === undefined) list(ledger, options.limit, json);
        else show(explain(ledger, decisionId), json);
      } finally {
        await ledger.close();
      }
    });
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new InvalidArgumentError("expected a whole number above 0");
}

function readChange(text: string): Change {
  const at = text.indexOf("=");
  if (at > 0) return { key: text.slice(0, at), value: text.slice(at + 1) };
  throw new InvalidArgumentError("expected key=value");
}

/** @throws ERR_UNKNOWN_ID when the ledger has no such decision */
export function explain(ledger: Ledger, decisionId: string): Explanation {
  const decision = decisionOf(ledger, decisionId);
  const { planId } = decision;
  const plan = planId === undefined ? undefined : ledger.get("plan", planId);
  const reservations = (plan?.reservationIds ?? []).flatMap((id) => {
    const reservation = ledger.get("reservation", id);
    return reservation === undefined ? [] : [reservation];
  });
  const replaysToSameBytes = canonicalJson(replayDecision(decision)) === canonicalJson(decision);
  return { decision, plan: plan ?? null, reservations, replaysToSameBytes };
}

function decisionOf(ledger: Ledger, decisionId: string): DecisionRecord {
  const decision = ledger.get("decision", decisionId);
  if (decision !== undefined) return decision;
  throw new RepriseError("ERR_UNKNOWN_ID", "no such decision in this ledger", {
    field: "decision",
    got: decisionId,
    expected: `one of ${ledger.count("decision")} decisions`,
  });
}

function showWhatIf(
  ledger: Ledger,
  decisionId: string | undefined,
  { key, value }: Change,
  json: boolean,
): void {
  if (decisionId === undefined) {
    const details = { field: "decision", expected: "the id of the decision to make again" };
    throw new RepriseError("ERR_ARGUMENT", "a what-if of no decision", details);
  }
  const record = decisionOf(ledger, decisionId);
  const told = whatIf(record, key, value);
  if (json) {
    const { inputs: _inputs, ...decision } = told.decision;
    printJson({ ...told, decision });
    return;
  }
  const { decision, was, is, addedVictims, sparedVictims, guessCount } = told;
  printLine(`${decisionId} with ${key} ${toJson(is)} instead of ${toJson(was ?? null)}`);
  if (told.same) printLine("nothing would differ");
  else printLine(`verdict  ${record.kind} -> ${decision.kind}`);
  if (decision.retryAtMs !== undefined) printLine(`retry at ${timeText(decision.retryAtMs)}`);
  for (const reason of decision.reasons) printLine(`because  ${reasonText(reason)}`);
  printLine(`victims  ${decision.victims.join(", ") || "nobody"}`);
  if (addedVictims.length > 0) printLine(`  new    ${addedVictims.join(", ")}`);
  if (sparedVictims.length > 0) printLine(`  spared ${sparedVictims.join(", ")}`);
  if (guessCount > 0) {
    printLine(
      `what neighbours would give is guessed in ${guessCount} cases from what they offered`,
    );
  }
}

function list(ledger: Ledger, limit: number, json: boolean): void {
  const latest = [...ledger.entries("decision", { reverse: true, limit })];
  if (json) {
    for (const [, { inputs: _, ...decision }] of latest) printJson(decision);
    return;
  }
  const rows = latest.map(([decisionId, decision]) => [
    decisionId,
    timeText(decision.decidedMs),
    decision.requestId,
    decision.kind,
    String(decision.victims.length),
    decision.reasons[0]?.code ?? "",
  ]);
  printLine(formatTable(["decision", "at", "request", "verdict", "victims", "reason"], rows));
}

function show(explanation: Explanation, json: boolean): void {
  if (json) {
    printJson(explanation);
    return;
  }
  const { decision, plan, reservations, replaysToSameBytes } = explanation;
  printLine(`${decision.decisionId}: ${decision.kind} ${decision.requestId}`);
  printLine(`decided  ${timeText(decision.decidedMs)} with model ${decision.modelVersion}`);
  if (decision.retryAtMs !== undefined) printLine(`retry at ${timeText(decision.retryAtMs)}`);
  if (decision.nextTryMs !== undefined) printLine(`tried at ${timeText(decision.nextTryMs)}`);
  for (const reason of decision.reasons) printLine(`because  ${reasonText(reason)}`);
  const { tentative = [] } = decision;
  if (tentative.length > 0) printLine(`meant    ${tentative.join(", ")}, kept for the next try`);
  if (decision.candidates.length > 0) {
    const header = ["candidate", "class", "cost", "gain", "score", "placeable", "verdict"];
    printLine(`\n${formatTable(header, decision.candidates.map(candidateRow))}`);
    if (decision.runnerUp !== undefined) printLine(`runner-up ${decision.runnerUp}`);
  }
  if (plan !== null) showPlan(plan);
  if (reservations.length > 0) printLine(`\n${reservationTable(reservations)}`);
  const same = replaysToSameBytes ? "comes out the same" : "does NOT come out the same";
  printLine(`\ninputs sha256 ${decision.inputsHash}; made again it ${same}`);
}

function showPlan({ planId, state, certificate = [], starts = [] }: PlanRecord): void {
  printLine(`\nplan ${planId} is ${state}`);
  for (const { priority, cost, bound } of certificate) {
    const numbers = `cost ${cost.toFixed(3)}, nobody can do it for less than ${bound.toFixed(3)}`;
    printLine(`class ${priority}: ${numbers}`);
  }
  for (const { instanceId, nodeId, startAtMs } of starts) {
    printLine(`${instanceId} waits its turn on ${nodeId} and starts at ${timeText(startAtMs)}`);
  }
}

function candidateRow(candidate: CandidateScore): string[] {
  const { instanceId, priority, cost, gain, score, availability, chosen } = candidate;
  const verdict = chosen ? "chosen" : (candidate.excludedBy ?? "spared");
  const numbers = [cost, gain, score, availability].map((value) => value.toFixed(3));
  return [instanceId, String(priority), ...numbers, verdict];
}

function reservationTable(reservations: readonly ReservationRecord[]): string {
  const header = ["reservation", "for", "on", "state", ...RESOURCES];
  const rows = reservations.map(({ reservationId, instanceId, nodeId, state, amounts }) => [
    reservationId,
    instanceId,
    nodeId,
    state,
    // The three phases after the restart.
    ...RESOURCES.map((_, resource) => amounts.slice(resource * 3, resource * 3 + 3).join("/")),
  ]);
  return formatTable(header, rows);
}

function reasonText({ code, text }: Reason): string {
  return `${code}: ${text}`;
}

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
