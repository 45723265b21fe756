import { useState } from "preact/hooks";
import { PHASES, RESOURCES, type Resource } from "../../../core/abi.js";
import { amount, away, percent, TITLES, UNITS } from "../format.js";
import { usePoll } from "../hooks.js";
import { PoolBar } from "../parts/bars.js";
import { Choice } from "../parts/choice.js";
import { Feed } from "../parts/feed.js";
import { Tile } from "../parts/tile.js";
import { TimeChart } from "../parts/time-chart.js";
import type { Page, Pool, PoolHistory, Quality, Reservation } from "../wire.js";

const REFRESH_MS = 2_000;

export function ClusterPage() {
  const [phase, setPhase] = useState(0);
  const history = usePoll<PoolHistory>("/v1/pools/history", REFRESH_MS);
  const nodes = usePoll<Page<Pool>>("/v1/pools/nodes?limit=1000", REFRESH_MS);
  const quality = usePoll<Quality>("/v1/quality", 10_000);
  const leases = usePoll<Page<Reservation>>("/v1/reservations?limit=1000", REFRESH_MS);
  return (
    <>
      <div class="head">
        <h1>Cluster</h1>
        <Choice
          label="Minutes after a restart"
          options={PHASES.map((name) => `${name} min`)}
          chosen={phase}
          onChoose={setPhase}
        />
      </div>
      <Alerts nodes={nodes.data?.items} error={history.error ?? nodes.error} />
      <Tiles nodes={nodes.data?.items} quality={quality.data} leases={leases.data?.items} />
      <div class="grid two">
        {RESOURCES.map((resource) => (
          <HeadroomCard key={resource} resource={resource} phase={phase} history={history.data} />
        ))}
      </div>
      <div class="grid wide-narrow">
        <NodesCard nodes={nodes.data?.items ?? []} phase={phase} />
        <section class="card" aria-labelledby="feed-title">
          <h2 id="feed-title">What happens</h2>
          <Feed rows={10} />
        </section>
      </div>
    </>
  );
}

interface AlertsProps {
  readonly nodes: readonly Pool[] | undefined;
  readonly error: string | undefined;
}

function Alerts({ nodes = [], error }: AlertsProps) {
  const health = usePoll<{ readonly status: string }>("/readyz", 5_000);
  const alerts: string[] = [];
  if (error !== undefined) alerts.push(`The service does not answer: ${error}`);
  if (health.error !== undefined) alerts.push(`Nothing may act now: ${health.error}`);
  for (const { id, headroom } of nodes) {
    const short = RESOURCES.filter((resource) => Math.min(...headroom[resource]) < 0);
    if (short.length > 0) {
      alerts.push(`${id} has promised more ${short.join(" and ")} than it has`);
    }
  }
  if (alerts.length === 0) return null;
  return (
    <ul class="alerts" role="alert">
      {alerts.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

interface TilesProps {
  readonly nodes: readonly Pool[] | undefined;
  readonly quality: Quality | undefined;
  readonly leases: readonly Reservation[] | undefined;
}

function Tiles({ nodes = [], quality, leases = [] }: TilesProps) {
  const held = leases.filter(({ state }) => state === "held");
  const next = held.map(({ expectedRestartMs }) => expectedRestartMs).sort((a, b) => a - b)[0];
  const tightest = tightestOf(nodes);
  const cpu = quality?.resources.cpu.ours.coverage[2];
  const memory = quality?.resources.memory.ours.coverage[2];
  return (
    <div class="tiles">
      <Tile
        label="Rooms kept ready"
        value={`${held.length}`}
        note={
          next === undefined || quality === undefined
            ? "nobody is expected back"
            : `next restart ${away(next, quality.nowMs)}`
        }
      />
      <Tile
        label="Tightest resource"
        value={tightest === undefined ? "–" : percent(tightest.share)}
        note={
          tightest === undefined ? "no node yet" : `${tightest.resource} free on ${tightest.id}`
        }
      />
      <Tile
        label="Restarts measured"
        value={`${quality?.restarts ?? 0}`}
        note="prediction against real need"
      />
      <Tile
        label="Stated .95, held"
        value={percent(cpu, 1)}
        note={`CPU; memory ${percent(memory, 1)}`}
        href="#/quality"
      />
    </div>
  );
}

function tightestOf(nodes: readonly Pool[]) {
  const shares = nodes.flatMap(({ id, headroom, allocatable }) =>
    RESOURCES.filter((resource) => allocatable[resource] > 0).map((resource) => ({
      id,
      resource: TITLES[resource],
      share: Math.min(...headroom[resource]) / allocatable[resource],
    })),
  );
  return shares.sort((a, b) => a.share - b.share)[0];
}

interface HeadroomCardProps {
  readonly resource: Resource;
  readonly phase: number;
  readonly history: PoolHistory | undefined;
}

function HeadroomCard({ resource, phase, history }: HeadroomCardProps) {
  const columns = history?.resources[resource];
  const last = (values: readonly number[] | undefined): number => values?.at(-1) ?? 0;
  const whole = last(columns?.allocatable);
  const allocated = last(columns?.allocated);
  const reserved = last(columns?.reserved[phase]);
  const sum = (columns?.allocated ?? []).map(
    (value, index) => value + (columns?.reserved[phase]?.[index] ?? 0),
  );
  return (
    <section class="card" aria-labelledby={`title-${resource}`}>
      <div class="card-head">
        <h2 id={`title-${resource}`}>{TITLES[resource]}</h2>
        <p>
          <strong>{amount(whole - allocated - reserved)}</strong> of {amount(whole)}{" "}
          {UNITS[resource]} free
        </p>
      </div>
      <TimeChart
        label={`${TITLES[resource]} of the cluster over the last day`}
        height={150}
        unit={UNITS[resource]}
        format={amount}
        timesMs={history?.timesMs ?? []}
        lines={[
          { label: "reserved", colour: "reserved", values: sum, fill: true },
          { label: "allocated", colour: "allocated", values: columns?.allocated ?? [], fill: true },
          { label: "used", colour: "used", values: columns?.used ?? [], width: 1.2 },
          { label: "there is", colour: "limit", values: columns?.allocatable ?? [], dash: true },
        ]}
      />
      <ul class="legend">
        <li class="k-allocated">allocated {amount(allocated)}</li>
        <li class="k-reserved">reserved {amount(reserved)}</li>
        <li class="k-used">used {amount(last(columns?.used))}</li>
        <li class="k-limit">capacity {amount(whole)}</li>
      </ul>
    </section>
  );
}

function NodesCard({ nodes, phase }: { readonly nodes: readonly Pool[]; readonly phase: number }) {
  return (
    <section class="card" aria-labelledby="nodes-title">
      <h2 id="nodes-title">Nodes</h2>
      <section class="scroll" tabIndex={0} aria-label="Room on each node">
        <table>
          <thead>
            <tr>
              <th scope="col">Node</th>
              {RESOURCES.map((resource) => (
                <th key={resource} scope="col">
                  {TITLES[resource]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {nodes.map((pool) => (
              <tr key={pool.id}>
                <th scope="row">{pool.id}</th>
                {RESOURCES.map((resource) => (
                  <td key={resource}>
                    <PoolBar pool={pool} resource={resource} phase={phase} />
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
