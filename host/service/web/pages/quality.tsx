import { useMemo } from "preact/hooks";
import { RESOURCES, type Resource } from "../../../core/abi.js";
import { amount, dayAndClock, percent, RUNGS, TITLES, UNITS } from "../format.js";
import { usePoll } from "../hooks.js";
import { Meter } from "../parts/bars.js";
import { TimeChart } from "../parts/time-chart.js";
import type { FleetPage, Quality } from "../wire.js";

const P95 = 2;
/** Restarts in a moving share, and how many it takes to be shown. */
const WINDOW = 20;
const WINDOW_MIN = 5;

export function QualityPage() {
  const { data, error } = usePoll<Quality>("/v1/quality", 5_000);
  if (data === undefined) return <p class="empty">{error ?? "Loading"}</p>;
  const since = data.sinceMs === null ? "" : ` since ${dayAndClock(data.sinceMs)}`;
  return (
    <>
      <div class="head">
        <h1>Model quality</h1>
        <p class="count">
          {data.restarts} real restarts{since}
        </p>
      </div>
      <CoverageCard quality={data} />
      <div class="grid two">
        <DriftCard quality={data} />
        <RoomCard quality={data} />
      </div>
      <RungsCard />
      <HintsCard hints={data.hints} />
    </>
  );
}

function CoverageCard({ quality }: { readonly quality: Quality }) {
  const { quantiles, resources } = quality;
  return (
    <section class="card" aria-labelledby="coverage-title">
      <h2 id="coverage-title">How often what was stated held</h2>
      <section class="scroll" tabIndex={0} aria-label="Coverage by resource">
        <table>
          <thead>
            <tr>
              <th scope="col">Resource</th>
              {quantiles.map((level) => (
                <th key={level} scope="col">
                  {percent(level)} stated
                </th>
              ))}
              <th scope="col">P95 of the past, at 95 %</th>
              <th scope="col" class="number">
                Phases measured
              </th>
            </tr>
          </thead>
          <tbody>
            {RESOURCES.map((resource) => {
              const { ours, baseline, phases } = resources[resource];
              return (
                <tr key={resource}>
                  <th scope="row">{TITLES[resource]}</th>
                  {quantiles.map((level, index) => (
                    <td key={level}>
                      <Covered held={ours.coverage[index]} stated={level} count={phases} />
                    </td>
                  ))}
                  <td>
                    <Covered held={baseline.coverage[P95]} stated={0.95} count={phases} />
                  </td>
                  <td class="number">{phases}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
      <p class="foot">
        Red: below what was stated by more than two standard errors. The three phases of a restart
        go together, so the errors are taken from a third of them.
      </p>
    </section>
  );
}

interface CoveredProps {
  readonly held: number | null | undefined;
  readonly stated: number;
  readonly count: number;
}

function Covered({ held, stated, count }: CoveredProps) {
  if (held === null || held === undefined) return <>–</>;
  const error = Math.sqrt((stated * (1 - stated)) / Math.max(1, count / 3));
  const isLow = held < stated - 2 * error;
  return (
    <span class="metered">
      <Meter share={held} tone={isLow ? "bad" : "good"} />
      {percent(held, 1)}
      {isLow ? <span class="hidden">, below what was stated</span> : null}
    </span>
  );
}

function DriftCard({ quality }: { readonly quality: Quality }) {
  const { timesMs, resources } = quality.recent;
  const lines = useMemo(
    () => [
      { label: "stated", colour: "limit", values: timesMs.map(() => 0.95), dash: true },
      ...(["cpu", "memory", "network", "disk"] as const).map((resource) => ({
        label: resource,
        colour: `line-${resource}`,
        values: moving(resources[resource]),
        width: 2,
      })),
    ],
    [quality],
  );
  return (
    <section class="card" aria-labelledby="drift-title">
      <h2 id="drift-title">Drift: the .95 over the last {WINDOW} restarts at most</h2>
      <p role="status">{driftText(quality)}</p>
      <TimeChart
        label={`Share of phases within the stated .95, moving over ${WINDOW} restarts`}
        height={200}
        unit=""
        range={[0.5, 1.02]}
        format={(value) => percent(value)}
        timesMs={timesMs}
        lines={lines}
      />
      <ul class="legend">
        {RESOURCES.map((resource) => (
          <li key={resource} class={`k-line-${resource}`}>
            {TITLES[resource]}
          </li>
        ))}
        <li class="k-limit">stated</li>
      </ul>
    </section>
  );
}

function driftText({ resources }: Quality): string {
  const known = RESOURCES.filter((resource) => resources[resource].isDrifting !== null);
  if (known.length === 0) return "Too few restarts to tell whether predictions drift.";
  const drifting = known.filter((resource) => resources[resource].isDrifting);
  if (drifting.length === 0) return "No resource drifts.";
  const names = drifting.map((resource) => TITLES[resource]).join(", ");
  return `Drifting, the .95 holds clearly less often than before: ${names}.`;
}

function moving({
  held,
  seen,
}: {
  readonly held: readonly number[];
  readonly seen: readonly number[];
}): (number | null)[] {
  const sum = (values: readonly number[], end: number): number =>
    values.slice(Math.max(0, end + 1 - WINDOW), end + 1).reduce((total, each) => total + each, 0);
  return held.map((_, index) => {
    const whole = sum(seen, index);
    return whole === 0 || index + 1 < WINDOW_MIN ? null : sum(held, index) / whole;
  });
}

function RoomCard({ quality }: { readonly quality: Quality }) {
  return (
    <section class="card" aria-labelledby="room-title">
      <h2 id="room-title">Room a restart, on average</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Resource</th>
            <th scope="col">Really needed</th>
            <th scope="col">Reprise asks</th>
            <th scope="col">P95 of the past asks</th>
          </tr>
        </thead>
        <tbody>
          {RESOURCES.map((resource) => (
            <RoomRow key={resource} resource={resource} of={quality.resources[resource]} />
          ))}
        </tbody>
      </table>
      <p class="foot">
        Means of the peaks of each phase. Less room is only better where the share above holds.
      </p>
    </section>
  );
}

interface RoomRowProps {
  readonly resource: Resource;
  readonly of: Quality["resources"]["cpu"];
}

function RoomRow({ resource, of: { needed, ours, baseline } }: RoomRowProps) {
  const most = Math.max(needed ?? 0, ours.room ?? 0, baseline.room ?? 0, Number.MIN_VALUE);
  const cell = (value: number | null, tone: string) => (
    <td>
      {value === null ? (
        "–"
      ) : (
        <span class="metered">
          <Meter share={value / most} tone={tone} />
          {amount(value)}
        </span>
      )}
    </td>
  );
  return (
    <tr>
      <th scope="row">
        {TITLES[resource]} <small>{UNITS[resource]}</small>
      </th>
      {cell(needed, "truth")}
      {cell(ours.room, "info")}
      {cell(baseline.room, "mute")}
    </tr>
  );
}

function RungsCard() {
  const { data } = usePoll<FleetPage>("/v1/fleet?limit=1000", 10_000);
  const items = data?.items ?? [];
  const counts = RUNGS.map((_, rung) => items.filter((line) => line.rung === rung).length);
  return (
    <section class="card" aria-labelledby="rungs-title">
      <h2 id="rungs-title">Who answers</h2>
      <ul class="rungs">
        {RUNGS.map((name, rung) => {
          const share = items.length === 0 ? 0 : (counts[rung] ?? 0) / items.length;
          return (
            <li key={name}>
              <span>{name}</span>
              <Meter share={share} tone={rung === 0 ? "info" : "mute"} />
              <span>{percent(share)}</span>
            </li>
          );
        })}
      </ul>
      <p class="foot">
        Of {items.length} instances{data?.next === null ? "" : ", the first by name"}: the network
        where it knows the instance, else the next that does.
      </p>
    </section>
  );
}

/** Only where a cloud gives hints. */
function HintsCard({ hints }: { readonly hints: Quality["hints"] }) {
  const { open, judged, followed, stated, losses, hintedLosses, acted, actedFollowed } = hints;
  if (open + judged + losses === 0) return null;
  const share = (part: number, whole: number) => (whole === 0 ? "–" : percent(part / whole));
  return (
    <section class="card" aria-labelledby="hints-title">
      <h2 id="hints-title">Hints that a node may be lost</h2>
      <table>
        <tbody>
          <tr>
            <th scope="row">Followed by the loss within the hour, of {judged}</th>
            <td class="number">{share(followed, judged)}</td>
          </tr>
          <tr>
            <th scope="row">Chance stated for them, on average</th>
            <td class="number">{stated === null ? "–" : percent(stated)}</td>
          </tr>
          <tr>
            <th scope="row">Acted on and followed, of {acted}</th>
            <td class="number">{share(actedFollowed, acted)}</td>
          </tr>
          <tr>
            <th scope="row">Losses that a hint came before, of {losses}</th>
            <td class="number">{share(hintedLosses, losses)}</td>
          </tr>
        </tbody>
      </table>
      <p class="foot">{open} nodes are hinted at now.</p>
    </section>
  );
}
