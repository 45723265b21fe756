import { RESOURCES } from "../../../core/abi.js";
import { amount, dayAndClock, TITLES, UNITS } from "../format.js";
import type { Outcome } from "../wire.js";

const P95 = 2;

/** Each past restart: the highest need of its hour, and whether the stated .95 held. */
export function OutcomeTable({ outcomes }: { readonly outcomes: readonly Outcome[] }) {
  if (outcomes.length === 0) {
    return <p class="foot">No restart of it has been measured yet.</p>;
  }
  return (
    <section class="card" aria-labelledby="outcomes-title">
      <h2 id="outcomes-title">Past restarts</h2>
      <section class="scroll" tabIndex={0} aria-label="Past restarts">
        <table>
          <thead>
            <tr>
              <th scope="col">Restarted</th>
              {RESOURCES.map((resource) => (
                <th key={resource} scope="col">
                  {TITLES[resource]}, {UNITS[resource]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {outcomes.map((outcome) => (
              <tr key={outcome.restartedMs}>
                <th scope="row">{dayAndClock(outcome.restartedMs)}</th>
                {RESOURCES.map((resource) => (
                  <td key={resource}>
                    <Held peaks={outcome.peaks[resource]} predicted={outcome.predicted[resource]} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

interface HeldProps {
  readonly peaks: readonly (number | null)[];
  readonly predicted: readonly (readonly number[])[];
}

function Held({ peaks, predicted }: HeldProps) {
  const measured = peaks.filter((peak) => peak !== null);
  if (measured.length === 0) return <>not measured</>;
  const isHeld = peaks.every(
    (peak, phase) => peak === null || peak <= (predicted[phase]?.[P95] ?? 0),
  );
  const room = Math.max(...predicted.map((quantiles) => quantiles[P95] ?? 0));
  return (
    <>
      <span class={isHeld ? "mark good" : "mark bad"} aria-hidden="true">
        {isHeld ? "✓" : "✗"}
      </span>{" "}
      {amount(Math.max(...measured))} <small>of {amount(room)} predicted</small>
      <span class="hidden">{isHeld ? ", held" : ", did not hold"}</span>
    </>
  );
}
