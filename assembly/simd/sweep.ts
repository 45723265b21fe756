/**
 * One elementwise function over f32[count], for tests and for hosts that need the core's own
 * arithmetic (the host's Math may differ from engine to engine).
 *
 *   input   f32[count]   read, count a multiple of 4
 *   output  f32[count]   written; may be the same region as input
 *
 * NaN in, NaN out.
 */

import { exp, sigmoid, silu, sinh, tanh } from "./activation";
import { asinh, log, log1p, softplus } from "./logarithm";

export const SWEEP_EXP: i32 = 0;
export const SWEEP_SIGMOID: i32 = 1;
export const SWEEP_TANH: i32 = 2;
export const SWEEP_SILU: i32 = 3;
export const SWEEP_SINH: i32 = 4;
export const SWEEP_LOG: i32 = 5;
export const SWEEP_LOG1P: i32 = 6;
export const SWEEP_ASINH: i32 = 7;
export const SWEEP_SOFTPLUS: i32 = 8;

function apply(which: i32, x: v128): v128 {
  switch (which) {
    case SWEEP_EXP:
      return exp(x);
    case SWEEP_SIGMOID:
      return sigmoid(x);
    case SWEEP_TANH:
      return tanh(x);
    case SWEEP_SILU:
      return silu(x);
    case SWEEP_SINH:
      return sinh(x);
    case SWEEP_LOG:
      return log(x);
    case SWEEP_LOG1P:
      return log1p(x);
    case SWEEP_ASINH:
      return asinh(x);
    default:
      return softplus(x);
  }
}

export function sweep(which: i32, input: usize, output: usize, count: i32): void {
  const end = input + ((<usize>count) << 2);
  while (input < end) {
    v128.store(output, apply(which, v128.load(input)));
    input += 16;
    output += 16;
  }
}
