/**
 * A script for wabt's interpreter: a memory with data in it, the core over it, calls and checks. The
 * interpreter shares no code with V8 and knows nothing of this project.
 */

/** What the script compares with, and how. */
const CHECKS = `
  (func (export "isWithin") (param $found i32) (param $expected i32) (param $count i32)
    (param $tolerance f32) (result i32)
    (block $out
      (loop $next
        (br_if $out (i32.eqz (local.get $count)))
        (if (i32.eqz (f32.le
              (f32.abs (f32.sub (f32.load (local.get $found)) (f32.load (local.get $expected))))
              (local.get $tolerance)))
          (then (return (i32.const 0))))
        (local.set $found (i32.add (local.get $found) (i32.const 4)))
        (local.set $expected (i32.add (local.get $expected) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.const 1))
  (func (export "isSame") (param $found i32) (param $expected i32) (param $words i32) (result i32)
    (block $out
      (loop $next
        (br_if $out (i32.eqz (local.get $words)))
        (if (i32.ne (i32.load (local.get $found)) (i32.load (local.get $expected)))
          (then (return (i32.const 0))))
        (local.set $found (i32.add (local.get $found) (i32.const 4)))
        (local.set $expected (i32.add (local.get $expected) (i32.const 4)))
        (local.set $words (i32.sub (local.get $words) (i32.const 1)))
        (br $next)))
    (i32.const 1))`;

/** Asks the core for sizes before anything is put where they matter. */
const SIZES = `
(module $sizes
  (func $base (import "core" "arenaBase") (result i32))
  (func $gru (import "core" "gruPackedBytes") (param i32 i32) (result i32))
  (func $head (import "core" "headPackedBytes") (param i32 i32) (result i32))
  (func $scratch (import "core" "headScratchBytes") (result i32))
  (func (export "baseIsAtMost") (param i32) (result i32)
    (i32.le_u (call $base) (local.get 0)))
  (func (export "gruIsAtMost") (param i32 i32 i32) (result i32)
    (i32.le_u (call $gru (local.get 0) (local.get 1)) (local.get 2)))
  (func (export "headIsAtMost") (param i32 i32 i32) (result i32)
    (i32.le_u (call $head (local.get 0) (local.get 1)) (local.get 2)))
  (func (export "scratchIsAtMost") (param i32) (result i32)
    (i32.le_u (call $scratch) (local.get 0))))`;

export interface WastRegion {
  readonly ptr: number;
  readonly bytes: number;
}

export class WastScript {
  readonly #core: Uint8Array;
  readonly #data: string[] = [];
  readonly #lines: string[] = [];
  #end = 65_536;
  /** The three modules are counted too. */
  #commandCount = 3;

  /** @param core bytes of the binary */
  constructor(core: Uint8Array) {
    this.#core = core;
  }

  /** Modules, calls and checks, as the interpreter counts them. */
  get commandCount(): number {
    return this.#commandCount;
  }

  alloc(bytes: number): WastRegion {
    const ptr = this.#end;
    this.#end = Math.ceil((ptr + bytes) / 64) * 64;
    return { ptr, bytes };
  }

  put(values: Float32Array): WastRegion {
    const region = this.alloc(values.byteLength);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#data.push(`(data (i32.const ${region.ptr}) "${escapeBytes(bytes)}")`);
    return region;
  }

  /** A call of the core; numbers are i32. */
  call(name: string, args: readonly number[]): void {
    this.#commandCount++;
    this.#lines.push(`(invoke $core "${name}" ${args.map(i32).join(" ")})`);
  }

  expectVersion(version: number): void {
    this.#expect(`(invoke $core "abiVersion")`, version);
  }

  expectSize(name: "base" | "gru" | "head" | "scratch", args: readonly number[]): void {
    this.#expect(`(invoke $sizes "${name}IsAtMost" ${args.map(i32).join(" ")})`, 1);
  }

  expectWithin(found: number, expected: WastRegion, tolerance: number): void {
    const args = [found, expected.ptr, expected.bytes / 4].map(i32).join(" ");
    this.#expect(`(invoke $env "isWithin" ${args} (f32.const ${tolerance}))`, 1);
  }

  expectSame(found: number, expected: WastRegion): void {
    const args = [found, expected.ptr, expected.bytes / 4].map(i32).join(" ");
    this.#expect(`(invoke $env "isSame" ${args})`, 1);
  }

  toString(): string {
    const pages = Math.ceil(this.#end / 65_536);
    return [
      `(module $env (memory (export "memory") ${pages} ${pages})${CHECKS}`,
      ...this.#data,
      `)\n(register "env" $env)`,
      `(module $core binary "${escapeBytes(this.#core)}")\n(register "core" $core)`,
      SIZES,
      ...this.#lines,
    ].join("\n");
  }

  #expect(call: string, value: number): void {
    this.#commandCount++;
    this.#lines.push(`(assert_return ${call} (i32.const ${value}))`);
  }
}

const i32 = (value: number) => `(i32.const ${value})`;

function escapeBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += `\\${byte.toString(16).padStart(2, "0")}`;
  return text;
}
