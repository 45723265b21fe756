/** Functions that the engine may round as it likes, made of exact operations instead. */

/** ln(2)^n / n!, n = 0 ... 15: on [-1/2, 1/2] the rest is below 1e-17. */
const TAYLOR = Array.from({ length: 16 }, (_, n) => {
  let term = 1;
  for (let k = 1; k <= n; k++) term *= Math.LN2 / k;
  return term;
});

/** 2 to the power of x, the same bits on every machine, within 2 ULP; x from -1000 to 1000. */
export function exp2(x: number): number {
  const whole = Math.round(x);
  const rest = x - whole;
  let power = 0;
  for (let n = TAYLOR.length - 1; n >= 0; n--) power = power * rest + (TAYLOR[n] ?? 0);
  const factor = whole < 0 ? 0.5 : 2;
  for (let step = Math.abs(whole); step > 0; step--) power *= factor;
  return power;
}

/** Hyperbolic sine, the same bits on every machine; abs(x) up to 600. */
export function sinh(x: number): number {
  return (exp2(x * Math.LOG2E) - exp2(-x * Math.LOG2E)) / 2;
}
