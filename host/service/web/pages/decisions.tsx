import { useEffect, useState } from "preact/hooks";
import { get } from "../api.js";
import { dayAndClock, fullTime, rounded } from "../format.js";
import { useEvents } from "../hooks.js";
import { Badge } from "../parts/badge.js";
import { Choice } from "../parts/choice.js";
import type { Decision, Page } from "../wire.js";

const KINDS = ["all", "proceed", "defer", "refuse"] as const;
const PAGE = 100;
const KEPT_MAX = 2_000;

export function DecisionsPage() {
  const { decisions, next, error, more } = useDecisions();
  const [kind, setKind] = useState(0);
  const shown = decisions.filter((each) => kind === 0 || each.kind === KINDS[kind]);
  return (
    <>
      <div class="head">
        <h1>Decisions</h1>
        <Choice
          label="Verdict"
          options={["All", "Proceed", "Defer", "Refuse"]}
          chosen={kind}
          onChoose={setKind}
        />
      </div>
      {error === undefined ? null : <p class="alerts">{error}</p>}
      {shown.length === 0 ? <p class="empty">No decision yet.</p> : null}
      <ol class="timeline" aria-label="Decisions, newest first">
        {shown.map((decision) => (
          <Line key={decision.decisionId} decision={decision} />
        ))}
      </ol>
      {next === null ? null : (
        <button type="button" onClick={more}>
          Older ones
        </button>
      )}
    </>
  );
}

/** The newest, kept up by events; older ones on demand. */
function useDecisions() {
  const [decisions, setDecisions] = useState<readonly Decision[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<string>();
  const load = async (before?: string): Promise<void> => {
    try {
      const from = before === undefined ? "" : `&before=${encodeURIComponent(before)}`;
      const page = await get<Page<Decision>>(`/v1/decisions?limit=${PAGE}${from}`);
      setDecisions((known) => merged(known, page.items));
      setNext(page.next);
    } catch (problem) {
      setError(problem instanceof Error ? problem.message : String(problem));
    }
  };
  useEffect(() => void load(), []);
  useEvents((event) => {
    if (event.kind === "decision") setDecisions((known) => merged(known, [event.decision]));
  });
  return { decisions, next, error, more: () => void load(next ?? undefined) };
}

function merged(known: readonly Decision[], more: readonly Decision[]): readonly Decision[] {
  const byId = new Map([...known, ...more].map((each) => [each.decisionId, each]));
  return [...byId.values()]
    .sort((a, b) => (a.decisionId < b.decisionId ? 1 : -1))
    .slice(0, KEPT_MAX);
}

function Line({ decision }: { readonly decision: Decision }) {
  const { decisionId, requestId, kind, decidedMs, reasons, victims, retryAtMs } = decision;
  const first = reasons[0];
  return (
    <li class={`line ${kind}`}>
      <time title={fullTime(decidedMs)}>{dayAndClock(decidedMs)}</time>
      <Badge state={kind} />
      <span class="line-text">
        <a href={`#/decisions/${encodeURIComponent(decisionId)}`}>{requestId}</a>
        <small>
          {first === undefined ? "everybody has room to come back to" : rounded(first.text)}
          {reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : ""}
        </small>
      </span>
      <small class="line-end">
        {victims.length > 0 ? `interrupts ${victims.join(", ")}` : ""}
        {retryAtMs === undefined ? "" : `by ${dayAndClock(retryAtMs)}`}
      </small>
    </li>
  );
}
