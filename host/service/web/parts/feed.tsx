import { useState } from "preact/hooks";
import { clock, rounded } from "../format.js";
import { useEvents } from "../hooks.js";
import type { LiveEvent } from "../wire.js";
import { Badge } from "./badge.js";

const KEPT = 40;
const isTold = (event: LiveEvent): boolean =>
  event.kind === "decision" || event.kind === "grant" || event.kind === "stopped";

/** What happens, newest first: decisions, interruptions, hand-overs. */
export function Feed({ rows }: { readonly rows: number }) {
  const [events, setEvents] = useState<readonly LiveEvent[]>([]);
  useEvents((event) => {
    if (isTold(event)) setEvents((before) => [event, ...before].slice(0, KEPT));
  });
  if (events.length === 0) return <p class="empty">Nothing has happened since the page opened.</p>;
  return (
    <ol class="feed" aria-label="Latest events">
      {events.slice(0, rows).map((event) => (
        <li key={event.id}>
          <time>{clock(event.timeMs)}</time>
          <Told event={event} />
        </li>
      ))}
    </ol>
  );
}

function Told({ event }: { readonly event: LiveEvent }) {
  if (event.kind === "decision") {
    const { decisionId, kind, requestId, reasons } = event.decision;
    return (
      <>
        <Badge state={kind} />
        <span>
          <a href={`#/decisions/${encodeURIComponent(decisionId)}`}>{requestId}</a>
          <small>{rounded(reasons[0]?.text ?? "everybody has room to come back to")}</small>
        </span>
      </>
    );
  }
  if (event.kind === "grant") {
    const { instanceId, nodeId, reservationId, shortfall } = event.grant;
    const isWhole = shortfall.every((each) => each <= 0);
    return (
      <>
        <span class="badge good">Back</span>
        <span>
          <a href={`#/instances/${encodeURIComponent(instanceId)}`}>{instanceId}</a>
          <small>
            on {nodeId}, from {reservationId === null ? "what was free" : "the room kept for it"}
            {isWhole ? "" : ", less than it needs"}
          </small>
        </span>
      </>
    );
  }
  if (event.kind !== "stopped") return null;
  return (
    <>
      <span class="badge warn">Down</span>
      <span>
        <a href={`#/instances/${encodeURIComponent(event.instanceId)}`}>{event.instanceId}</a>
        <small>stopped; its room is kept or freed as decided</small>
      </span>
    </>
  );
}
