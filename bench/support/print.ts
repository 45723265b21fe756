import type { BenchReport, CaseResult, VariantResult } from "./definition.js";

export function printHeader(header: Omit<BenchReport, "cases">): void {
  const { machine } = header;
  console.log(`# ${header.name}: ${header.question}`);
  console.log(`# ${machine.date}, ${machine.cpuCount} x ${machine.cpu}, ${machine.system}`);
  console.log(`# Node ${machine.node}, V8 ${machine.v8}, governor ${machine.governor}`);
  const sizes = Object.entries(header.binaryBytes).map(([name, bytes]) => `${name} ${bytes} bytes`);
  if (sizes.length > 0) console.log(`# binaries: ${sizes.join(", ")}`);
  if (header.smoke) console.log("# smoke run: tiny inputs, the times mean nothing");
}

export function printCase(result: CaseResult): void {
  console.log(`\n${result.name}  (${result.unitsPerCall} ${result.unit} a call)`);
  const width = Math.max(...result.variants.map(({ name }) => name.length));
  for (const variant of result.variants) {
    const rate = describeRate(variant, result.unit);
    const ratio =
      variant.name === result.rival
        ? "(the rival)"
        : `${variant.ratioToRival.toFixed(2)}x ${result.rival}` +
          ` (fastest ${variant.ratioToRivalBest.toFixed(2)}x)`;
    console.log(
      `  ${variant.name.padEnd(width)}  p50 ${duration(variant.p50Ns)}  p99 ${duration(variant.p99Ns)}` +
        `  ±${(100 * variant.relativeErrorRatio).toFixed(1)} %  ${rate}  ${ratio}` +
        `  #${variant.outputHash}`,
    );
  }
}

function describeRate(variant: VariantResult, unit: string): string {
  const parts = [`${variant.nsPerUnit.toFixed(variant.nsPerUnit < 10 ? 2 : 0)} ns/1`];
  parts.push(`${quantity(variant.unitsPerSecond)} ${unit}/s`);
  if (variant.bytesPerSecond !== undefined) parts.push(`${quantity(variant.bytesPerSecond)}B/s`);
  if (variant.flopsPerSecond !== undefined) parts.push(`${quantity(variant.flopsPerSecond)}FLOP/s`);
  return parts.join("  ");
}

function duration(nanoseconds: number): string {
  const [value, unit] =
    nanoseconds < 1e3
      ? [nanoseconds, "ns"]
      : nanoseconds < 1e6
        ? [nanoseconds / 1e3, "us"]
        : [nanoseconds / 1e6, "ms"];
  return `${value.toFixed(2).padStart(7)} ${unit}`;
}

function quantity(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} G`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e3) return `${(value / 1e3).toFixed(2)} k`;
  return `${value.toFixed(1)} `;
}
