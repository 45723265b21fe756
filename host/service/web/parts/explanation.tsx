import { amount, away, fullTime, percent, rounded } from "../format.js";
import type { Candidate, Decision } from "../wire.js";
import { Badge } from "./badge.js";
import { Meter } from "./bars.js";

/** Why a decision is as it is: reasons, whom it could have been, what bound it. */
export function Explanation({ decision }: { readonly decision: Decision }) {
  const { kind, reasons, candidates = [], runnerUp, retryAtMs, decidedMs, victims } = decision;
  return (
    <>
      <section class="card" aria-labelledby="why-title">
        <div class="card-head">
          <h2 id="why-title">Why</h2>
          <Badge state={kind} />
        </div>
        {reasons.length === 0 ? (
          <p>Everybody who is interrupted has the room to come back to.</p>
        ) : (
          <ul class="reasons">
            {reasons.map(({ code, text }, index) => (
              <li key={`${code}${index}`}>
                <code>{code}</code> {rounded(text)}
              </li>
            ))}
          </ul>
        )}
        <dl class="facts">
          <dt>Binding limit</dt>
          <dd>{reasons[0]?.code ?? "none"}</dd>
          <dt>Interrupted</dt>
          <dd>{victims.length === 0 ? "nobody" : <Names ids={victims} />}</dd>
          <dt>Runner-up</dt>
          <dd>{runnerUp === undefined ? "none" : <Names ids={[runnerUp]} />}</dd>
          {retryAtMs === undefined ? null : (
            <>
              <dt>Will succeed by</dt>
              <dd>
                {fullTime(retryAtMs)}, {away(retryAtMs, decidedMs).replace(/^in /, "")} later
              </dd>
            </>
          )}
        </dl>
      </section>
      {candidates.length === 0 ? null : <Candidates candidates={candidates} />}
    </>
  );
}

export function Names({ ids }: { readonly ids: readonly string[] }) {
  return (
    <>
      {ids.map((id, index) => (
        <span key={id}>
          {index === 0 ? "" : ", "}
          <a href={`#/instances/${encodeURIComponent(id)}`}>{id}</a>
        </span>
      ))}
    </>
  );
}

const SHOWN_MAX = 200;

function Candidates({ candidates }: { readonly candidates: readonly Candidate[] }) {
  const order = (one: Candidate): number => (one.chosen ? 0 : one.excludedBy === undefined ? 1 : 2);
  const sorted = [...candidates].sort((a, b) => order(a) - order(b) || b.score - a.score);
  const most = Math.max(...sorted.map(({ score }) => score), Number.MIN_VALUE);
  return (
    <section class="card" aria-labelledby="candidates-title">
      <h2 id="candidates-title">Candidates</h2>
      <section class="scroll" tabIndex={0} aria-label="Candidates and their scores">
        <table>
          <thead>
            <tr>
              <th scope="col">Instance</th>
              <th scope="col">Verdict</th>
              <th scope="col" class="number">
                Class
              </th>
              <th scope="col" class="number">
                Cost
              </th>
              <th scope="col" class="number">
                Gain
              </th>
              <th scope="col">Score</th>
              <th scope="col" class="number">
                Can come back
              </th>
            </tr>
          </thead>
          <tbody>
            {sorted.slice(0, SHOWN_MAX).map((candidate) => (
              <tr key={candidate.instanceId} class={candidate.chosen ? "chosen" : ""}>
                <th scope="row">
                  <Names ids={[candidate.instanceId]} />
                </th>
                <td>{wordOf(candidate)}</td>
                <td class="number">{candidate.priority}</td>
                <td class="number">{amount(candidate.cost)}</td>
                <td class="number">{amount(candidate.gain)}</td>
                <td>
                  <span class="metered">
                    <Meter
                      share={candidate.score / most}
                      tone={candidate.chosen ? "good" : "mute"}
                    />
                    {amount(candidate.score)}
                  </span>
                </td>
                <td class="number">{percent(candidate.availability)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {sorted.length > SHOWN_MAX ? (
        <p class="foot">{sorted.length - SHOWN_MAX} more are not shown.</p>
      ) : null}
    </section>
  );
}

function wordOf({ chosen, excludedBy }: Candidate) {
  if (chosen) return <span class="badge warn">interrupted</span>;
  return excludedBy === undefined ? (
    <span class="badge good">spared</span>
  ) : (
    <code>{excludedBy}</code>
  );
}
