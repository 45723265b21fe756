import { ArenaPlan, compileBinary, openKernel } from "../../host/core/index.js";

export interface FitShape {
  readonly nodeCount: number;
  readonly columnCount: number;
  readonly needCount: number;
}

export type FitQuestion = "count" | "first" | "best" | "mask";

/** One question of fit by the core; room and needs are laid out before the clock starts. */
export class KernelFit {
  readonly call: () => void;
  /** u8[needs][nodes] of the question mask, i32[needs] of the others */
  readonly out: ArrayLike<number>;

  constructor(
    question: FitQuestion,
    { nodeCount, columnCount, needCount }: FitShape,
    { room, needs }: { readonly room: Float32Array; readonly needs: Float32Array },
  ) {
    const module = compileBinary("release");
    const probe = openKernel(module, new WebAssembly.Memory({ initial: 1, maximum: 1 }));
    const plan = new ArenaPlan(probe.arenaBase());
    const stride = Math.ceil(nodeCount / 4) * 16;
    const roomPtr = plan.region("room", columnCount * stride).ptr;
    const needsPtr = plan.region("needs", needCount * columnCount * 4).ptr;
    const weightsPtr = plan.region("weights", columnCount * 4).ptr;
    const outPtr = plan.region("out", needCount * 4).ptr;
    const maskPtr = plan.region("mask", needCount * nodeCount).ptr;
    const memory = plan.createMemory(false);
    const kernel = openKernel(module, memory);
    const floats = new Float32Array(memory.buffer);
    for (let column = 0; column < columnCount; column++) {
      const row = room.subarray(column * nodeCount, (column + 1) * nodeCount);
      floats.set(row, roomPtr / 4 + (column * stride) / 4);
    }
    floats.set(needs, needsPtr / 4);
    floats.fill(1, weightsPtr / 4, weightsPtr / 4 + columnCount);
    const words = new Int32Array(memory.buffer, outPtr, needCount);
    const bytes = new Uint8Array(memory.buffer, maskPtr, needCount * nodeCount);
    const [n, c, k] = [nodeCount, columnCount, needCount];
    const calls = {
      count: () => kernel.fitCount(roomPtr, stride, n, c, needsPtr, k, outPtr),
      first: () => kernel.fitFirst(roomPtr, stride, n, c, needsPtr, k, outPtr),
      best: () => kernel.fitBest(roomPtr, stride, n, c, needsPtr, k, weightsPtr, outPtr),
      mask: () => kernel.fitMask(roomPtr, stride, n, c, needsPtr, k, maskPtr, n),
    };
    this.call = calls[question];
    this.out = question === "mask" ? bytes : words;
  }
}
