/**
 * Water filling in float64, from its definition: levels are found exactly, on the donors' corners.
 * What the tests compare the core with; not used in decisions.
 */

export interface WaterQuestion {
  /** resource x donor */
  readonly most: readonly (readonly number[])[];
  readonly held: readonly (readonly number[])[];
  /** One value a resource. */
  readonly needed: readonly number[];
}

/** resource x donor, not rounded. */
export function waterFillReference(question: WaterQuestion, roundCount: number): number[][] {
  const { most, held, needed } = question;
  const given = most.map((row, r) => {
    const total = row.reduce((sum, value) => sum + value, 0);
    const need = needed[r] ?? 0;
    return row.map((value) => (total > need ? (value * need) / total : value));
  });
  for (let round = 0; round < roundCount; round++) {
    for (const [r, row] of most.entries()) {
      const others = row.map((_, i) =>
        given.reduce((sum, each, k) => {
          const holds = held[k]?.[i] ?? 0;
          return k === r || !(holds > 0) ? sum : sum + (each[i] ?? 0) / holds;
        }, 0),
      );
      given[r] = levelled(row, { held: held[r] ?? [], stands: others, needed: needed[r] ?? 0 });
    }
  }
  return given;
}

function levelled(
  may: readonly number[],
  so: {
    readonly held: readonly number[];
    readonly stands: readonly number[];
    readonly needed: number;
  },
): number[] {
  const { held, stands, needed } = so;
  const total = may.reduce((sum, value) => sum + value, 0);
  if (total <= needed) return [...may];
  const at = (level: number): number[] =>
    may.map((most, i) =>
      most > 0 ? Math.min(most, Math.max(0, (level - (stands[i] ?? 0)) * (held[i] ?? 0))) : 0,
    );
  const sumAt = (level: number): number => at(level).reduce((sum, value) => sum + value, 0);
  const corners = may
    .flatMap((most, i) => {
      const stand = stands[i] ?? 0;
      return most > 0 ? [stand, stand + most / (held[i] ?? 1)] : [];
    })
    .sort((a, b) => a - b);
  const above = corners.findIndex((corner) => sumAt(corner) >= needed);
  const high = corners[above] ?? 0;
  const low = corners[above - 1] ?? high;
  const [lowSum, highSum] = [sumAt(low), sumAt(high)];
  const part = highSum > lowSum ? (needed - lowSum) / (highSum - lowSum) : 1;
  return at(low + (high - low) * part);
}

/** Share of what each donor holds that it gives, summed over the resources. */
export function harmsOf(question: WaterQuestion, given: readonly (readonly number[])[]): number[] {
  return (question.held[0] ?? []).map((_, i) =>
    given.reduce((sum, row, r) => {
      const holds = question.held[r]?.[i] ?? 0;
      return holds > 0 ? sum + (row[i] ?? 0) / holds : sum;
    }, 0),
  );
}
