import { PHASES, RESOURCES } from "../../../core/abi.js";
import { amount, away, dayAndClock, TITLES, UNITS } from "../format.js";
import { usePoll } from "../hooks.js";
import { Badge } from "../parts/badge.js";
import { Names } from "../parts/explanation.js";
import type { Page, PoolHistory, Reservation } from "../wire.js";

const STATES = ["held", "claimed"];

export function ReservationsPage() {
  const { data, error } = usePoll<Page<Reservation>>("/v1/reservations?limit=1000", 2_000);
  const time = usePoll<Pick<PoolHistory, "nowMs">>("/v1/quality", 2_000);
  const nowMs = time.data?.nowMs;
  const rows = [...(data?.items ?? [])].sort(
    (a, b) =>
      STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
      a.expectedRestartMs - b.expectedRestartMs,
  );
  return (
    <>
      <div class="head">
        <h1>Reservations</h1>
        <p class="count" role="status">
          {rows.filter(({ state }) => state === "held").length} held for somebody who is away,{" "}
          {rows.filter(({ state }) => state === "claimed").length} handed over
        </p>
      </div>
      {error === undefined ? null : <p class="alerts">{error}</p>}
      {rows.length === 0 ? (
        <p class="empty">No room is reserved now.</p>
      ) : (
        <section class="card">
          <section class="scroll" tabIndex={0} aria-label="Reservations">
            <table>
              <thead>
                <tr>
                  <th scope="col">For</th>
                  <th scope="col">State</th>
                  <th scope="col">On</th>
                  <th scope="col">Restart expected</th>
                  {RESOURCES.map((resource) => (
                    <th key={resource} scope="col">
                      {TITLES[resource]}, {UNITS[resource]}
                    </th>
                  ))}
                  <th scope="col">Ends</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <Row key={row.reservationId} row={row} nowMs={nowMs} />
                ))}
              </tbody>
            </table>
          </section>
        </section>
      )}
      <p class="foot">Amounts: minutes {PHASES.join(", ")} after the restart.</p>
    </>
  );
}

interface RowProps {
  readonly row: Reservation;
  readonly nowMs: number | undefined;
}

function Row({ row, nowMs }: RowProps) {
  const { instanceId, state, nodeId, expectedRestartMs, expiresMs, amounts } = row;
  return (
    <tr>
      <th scope="row">
        <Names ids={[instanceId]} />
      </th>
      <td>
        <Badge state={state} />
      </td>
      <td>{nodeId}</td>
      <td>
        {dayAndClock(expectedRestartMs)}{" "}
        {nowMs === undefined ? null : <small>{away(expectedRestartMs, nowMs)}</small>}
      </td>
      {RESOURCES.map((resource) => (
        <td key={resource}>
          <Phases amounts={amounts[resource]} />
        </td>
      ))}
      <td>{dayAndClock(expiresMs)}</td>
    </tr>
  );
}

/** The three phases as small columns beside the highest of them. */
function Phases({ amounts }: { readonly amounts: readonly number[] }) {
  const most = Math.max(...amounts, Number.MIN_VALUE);
  return (
    <span class="phases">
      <svg viewBox="0 0 30 20" aria-hidden="true">
        {amounts.map((value, phase) => {
          const height = Math.max(1, (value / most) * 20);
          return (
            <rect
              key={PHASES[phase]}
              x={phase * 10 + 1}
              y={20 - height}
              width="8"
              height={height}
            />
          );
        })}
      </svg>
      <span aria-hidden="true">{amount(most)}</span>
      <span class="hidden">{amounts.map(amount).join(", ")}</span>
    </span>
  );
}
