import { PHASE_END_MINUTES, QUANTILES, type Resource } from "../../../core/abi.js";
import { amount, TITLES, UNITS } from "../format.js";

interface FanChartProps {
  readonly resource: Resource;
  /** phase x quantile */
  readonly envelope: readonly (readonly number[])[];
  readonly baseline: readonly (readonly number[])[];
  readonly baselineName: string;
  /** Peaks a phase of each restart, the latest first; null where not measured. */
  readonly truths: readonly (readonly (number | null)[])[];
  readonly holds?: number;
}

const WIDTH = 520;
const HEIGHT = 190;
const LEFT = 44;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;
const HOUR = 60;
const P95 = QUANTILES.indexOf(0.95);
/** Quantiles between which a colour lies, the middle of it strongest. */
const BANDS = [
  { from: -1, to: 0, opacity: 0.07 },
  { from: 0, to: 1, opacity: 0.42 },
  { from: 1, to: P95, opacity: 0.28 },
  { from: P95, to: 3, opacity: 0.14 },
] as const;
/** Faint when it is long ago. */
const OLD_OPACITY = 0.35;

const x = (minutes: number): number => LEFT + (minutes / HOUR) * (WIDTH - LEFT - RIGHT);
const starts = PHASE_END_MINUTES.map((_, phase) => PHASE_END_MINUTES[phase - 1] ?? 0);

/** The restart envelope over the hour after a restart, with what past restarts really needed. */
export function FanChart(props: FanChartProps) {
  const { resource, envelope, baseline, truths, holds } = props;
  const high = highest(props);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / high) * (HEIGHT - TOP - BOTTOM);
  const at = (quantile: number) => envelope.map((quantiles) => quantiles[quantile] ?? 0);
  const room = Math.max(0, ...at(P95));
  const step = stepBelow(high);
  const marks = Array.from({ length: Math.floor(high / step) + 1 }, (_, index) => index * step);
  return (
    <section class="card" aria-labelledby={`fan-${resource}`}>
      <div class="card-head">
        <h3 id={`fan-${resource}`}>{TITLES[resource]}</h3>
        <p>
          <strong>{amount(room)}</strong> {UNITS[resource]} cover 95 %
        </p>
      </div>
      <svg class="fan" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={spoken(props)}>
        {marks.map((value) => (
          <g key={value}>
            <line class="rule" x1={LEFT} x2={WIDTH - RIGHT} y1={y(value)} y2={y(value)} />
            <text x={LEFT - 6} y={y(value) + 4} text-anchor="end">
              {amount(value)}
            </text>
          </g>
        ))}
        {[0, ...PHASE_END_MINUTES].map((minutes) => (
          <text
            key={minutes}
            x={x(minutes)}
            y={HEIGHT - 7}
            text-anchor={minutes === HOUR ? "end" : "middle"}
          >
            {minutes === HOUR ? "60 min" : minutes}
          </text>
        ))}
        {BANDS.map(({ from, to, opacity }) => (
          <path
            key={to}
            class="fan-band"
            opacity={opacity}
            d={band(from < 0 ? envelope.map(() => 0) : at(from), at(to), y)}
          />
        ))}
        <path class="fan-median" d={steps(at(0), y)} />
        <path class="fan-edge" d={steps(at(P95), y)} />
        <path
          class="fan-baseline"
          d={steps(
            baseline.map((each) => each[P95] ?? 0),
            y,
          )}
        />
        {holds === undefined ? null : (
          <line class="fan-holds" x1={LEFT} x2={WIDTH - RIGHT} y1={y(holds)} y2={y(holds)} />
        )}
        {[...truths].reverse().map((peaks, index) => (
          <path
            key={index}
            class="fan-truth"
            opacity={index === truths.length - 1 ? 1 : OLD_OPACITY}
            d={steps(peaks, y)}
          />
        ))}
      </svg>
      <ul class="legend">
        <li class="k-fan">.5 .9 .95 .99 predicted</li>
        <li class="k-truth">really needed{truths.length === 0 ? " (none yet)" : ""}</li>
        <li class="k-baseline">{props.baselineName}</li>
        {holds === undefined ? null : <li class="k-limit">holds now</li>}
      </ul>
    </section>
  );
}

function highest({ envelope, baseline, truths, holds }: FanChartProps): number {
  const all = [
    ...envelope.flat(),
    ...baseline.map((each) => each[P95] ?? 0),
    ...truths.flat().map((peak) => peak ?? 0),
    holds ?? 0,
  ];
  return Math.max(0.01, ...all) * 1.04;
}

type Height = (value: number) => number;

/** A line that is level within each phase; a phase that was not measured is left out. */
function steps(values: readonly (number | null)[], y: Height): string {
  let path = "";
  let isOpen = false;
  values.forEach((value, phase) => {
    if (value === null) {
      isOpen = false;
      return;
    }
    const from = x(starts[phase] ?? 0);
    const to = x(PHASE_END_MINUTES[phase] ?? HOUR);
    path += `${isOpen ? "L" : "M"}${from} ${y(value)}L${to} ${y(value)}`;
    isOpen = true;
  });
  return path;
}

/** What lies between two lines. */
function band(low: readonly number[], high: readonly number[], y: Height): string {
  if (high.length === 0) return "";
  const back = low.flatMap((value, phase) => [
    `L${x(starts[phase] ?? 0)} ${y(value)}`,
    `L${x(PHASE_END_MINUTES[phase] ?? HOUR)} ${y(value)}`,
  ]);
  return `${steps(high, y)}${back.reverse().join("")}Z`;
}

/** 1, 2 or 5 of a power of ten, so that two to five of them reach `high`. */
function stepBelow(high: number): number {
  let step = 1;
  while (step * 5 > high * 2) step /= 10;
  while (step * 20 < high) step *= 10;
  return [5, 2, 1].map((each) => each * step).find((each) => each * 2 <= high) ?? step;
}

function spoken({ resource, envelope, truths }: FanChartProps): string {
  const phases = envelope.map((quantiles, phase) => {
    const minutes = `${starts[phase] ?? 0} to ${PHASE_END_MINUTES[phase] ?? HOUR} minutes`;
    return `${minutes}: ${amount(quantiles[P95] ?? 0)} ${UNITS[resource]} at .95`;
  });
  return `${TITLES[resource]} after a restart. ${phases.join("; ")}. ${truths.length} restarts shown.`;
}
