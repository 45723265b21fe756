/** Usage of the core that is used most, cores; undefined when none is known. */
export function busiestCore(cores: readonly number[] | undefined): number | undefined {
  if (cores === undefined || cores.length === 0) return undefined;
  let max = 0;
  for (const core of cores) max = Math.max(max, core);
  return max;
}
