import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { clock } from "../format.js";

export interface ChartLine {
  readonly label: string;
  /** Name of the colour's CSS variable. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  readonly fill?: boolean;
  readonly dash?: boolean;
  readonly width?: number;
}

interface TimeChartProps {
  readonly label: string;
  readonly timesMs: readonly number[];
  /** Drawn in order; an area that others lie before comes first. */
  readonly lines: readonly ChartLine[];
  readonly height: number;
  readonly unit: string;
  readonly range?: readonly [number, number];
  readonly format?: (value: number) => string;
}

/** Lines over time; the numbers of the moment under the pointer stand below. */
export function TimeChart(props: TimeChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const draw = (): void => {
      chart.current?.destroy();
      chart.current = new uPlot(
        optionsOf(latest.current, element),
        dataOf(latest.current),
        element,
      );
    };
    draw();
    const sizes = new ResizeObserver(() => {
      const { height } = latest.current;
      if (element.clientWidth > 0) chart.current?.setSize({ width: element.clientWidth, height });
    });
    sizes.observe(element);
    addEventListener("themechange", draw);
    return () => {
      sizes.disconnect();
      removeEventListener("themechange", draw);
      chart.current?.destroy();
    };
  }, [props.lines.length]);
  useEffect(() => chart.current?.setData(dataOf(props)), [props.timesMs, props.lines]);
  return <div class="time-chart" role="img" aria-label={props.label} ref={box} />;
}

function dataOf({ timesMs, lines }: TimeChartProps): uPlot.AlignedData {
  return [timesMs.map((timeMs) => timeMs / 1_000), ...lines.map(({ values }) => [...values])];
}

function optionsOf(props: TimeChartProps, element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const font = "11px system-ui, sans-serif";
  const axis = { stroke: colour("muted"), font, grid: { stroke: colour("grid"), width: 1 } };
  const range = props.range;
  return {
    width: Math.max(200, element.clientWidth),
    height: props.height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC"),
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    padding: [8, 4, 0, 0],
    scales: {
      y: { range: range === undefined ? (_plot, _low, high) => [0, high * 1.08 || 1] : [...range] },
    },
    axes: [
      { ...axis, ticks: { show: false }, size: 22, values: (_plot, at) => at.map(timeText) },
      {
        ...axis,
        ticks: { show: false },
        size: 42,
        values: (_plot, at) => at.map((value) => props.format?.(value) ?? `${value}`),
      },
    ],
    series: [
      {},
      ...props.lines.map((line) => ({
        label: line.label,
        stroke: colour(line.colour),
        width: line.width ?? 1.5,
        points: { show: false },
        ...(line.fill === true ? { fill: colour(`${line.colour}-fill`) } : {}),
        ...(line.dash === true ? { dash: [5, 4] } : {}),
      })),
    ],
  };
}

function timeText(seconds: number): string {
  return clock(seconds * 1_000);
}
