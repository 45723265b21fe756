import { RESOURCES } from "../../../core/abi.js";
import { amount, fullTime, TITLES } from "../format.js";
import { usePoll } from "../hooks.js";
import { Explanation, Names } from "../parts/explanation.js";
import type { Decision, Plan } from "../wire.js";

export function DecisionPage({ decisionId }: { readonly decisionId: string }) {
  const path = `/v1/decisions/${encodeURIComponent(decisionId)}`;
  const { data, error } = usePoll<Decision>(path, 60_000);
  if (data === undefined) return <p class="empty">{error ?? "Loading"}</p>;
  return (
    <>
      <p class="crumbs">
        <a href="#/decisions">Decisions</a>
      </p>
      <div class="head">
        <h1>{data.requestId}</h1>
        <p class="count">
          {decisionId}, decided {fullTime(data.decidedMs)}
        </p>
      </div>
      <Explanation decision={data} />
      {data.planId === undefined ? null : <PlanCard planId={data.planId} />}
      <p class="foot">
        Made with {data.modelVersion} from inputs <code>{data.inputsHash.slice(0, 16)}…</code>:{" "}
        <code>reprise explain {decisionId}</code> makes it again from them.
      </p>
    </>
  );
}

function PlanCard({ planId }: { readonly planId: string }) {
  const { data } = usePoll<Plan>(`/v1/plans/${encodeURIComponent(planId)}`, 3_000);
  if (data === undefined) return null;
  const { state, shrinks, reservationIds, victims } = data;
  return (
    <section class="card" aria-labelledby="plan-title">
      <div class="card-head">
        <h2 id="plan-title">Plan</h2>
        <span class="badge info">{state}</span>
      </div>
      <p>
        {victims.length === 0 ? "Nobody is interrupted" : <Names ids={victims} />}
        {reservationIds.length === 0 ? "" : `; room is kept by ${reservationIds.join(", ")}`}.
      </p>
      {shrinks.length === 0 ? null : (
        <table>
          <caption>Neighbours that give room</caption>
          <thead>
            <tr>
              <th scope="col">Neighbour</th>
              <th scope="col">Node</th>
              {RESOURCES.map((resource) => (
                <th key={resource} scope="col" class="number">
                  {TITLES[resource]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shrinks.map(({ donorId, nodeId, given }, index) => (
              <tr key={`${donorId}${index}`}>
                <th scope="row">
                  <Names ids={[donorId]} />
                </th>
                <td>{nodeId}</td>
                {RESOURCES.map((resource, column) => (
                  <td key={resource} class="number">
                    {amount(given[column] ?? 0)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
