/**
 * Reads the parts of a WebAssembly binary that the ABI promises something about. It follows the
 * binary format of the core specification: a header, then sections of one id, one size, one body.
 */

export interface WasmImport {
  readonly module: string;
  readonly name: string;
  /** 0 function, 1 table, 2 memory, 3 global. */
  readonly kind: number;
  /** Memories only: 1 has a maximum, 2 shared. */
  readonly memoryFlags?: number;
}

export interface WasmShape {
  readonly imports: readonly WasmImport[];
  /** name -> "func(i32,f32) -> i32", "memory", "global" or "table" */
  readonly exports: ReadonlyMap<string, string>;
  readonly hasStart: boolean;
  readonly tableCount: number;
  /** One entry a global: is it mutable? */
  readonly globalsMutable: readonly boolean[];
  /** Bytes of each data segment. */
  readonly dataBytes: readonly number[];
}

const [TYPE, IMPORT, FUNCTION, TABLE, GLOBAL, EXPORT, START, DATA] = [1, 2, 3, 4, 6, 7, 8, 11];
const VALUE_TYPES = new Map([
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
  [0x7b, "v128"],
]);
const EXPORT_KINDS = ["func", "table", "memory", "global"];

/** @throws Error when the bytes are no module or use what is not expected here */
export function readWasmShape(bytes: Uint8Array): WasmShape {
  const sections = new Map<number, Reader>();
  const file = new Reader(bytes);
  if (file.u32le() !== 0x6d736100 || file.u32le() !== 1) throw new Error("not a wasm module");
  while (!file.done) {
    const id = file.byte();
    const body = file.take(file.uint());
    if (id !== 0) sections.set(id, new Reader(body));
  }
  const section = (id: number | undefined) => sections.get(id as number) ?? new Reader(EMPTY);
  const imports = readImports(section(IMPORT));
  const types = readTypes(section(TYPE));
  const importedFunctions = imports.filter(({ kind }) => kind === 0).length;
  const functions = readVector(section(FUNCTION), (reader) => reader.uint());
  const signature = (index: number) => types[functions[index - importedFunctions] as number] ?? "?";
  return {
    imports,
    exports: readExports(section(EXPORT), signature),
    hasStart: sections.has(START as number),
    tableCount: readVector(section(TABLE), (reader) => reader.skipTable()).length,
    globalsMutable: readVector(section(GLOBAL), readGlobal),
    dataBytes: readVector(section(DATA), readSegment),
  };
}

function readTypes(reader: Reader): string[] {
  return readVector(reader, () => {
    if (reader.byte() !== 0x60) throw new Error("only function types are expected");
    const parameters = readVector(reader, () => valueType(reader));
    const results = readVector(reader, () => valueType(reader));
    return `func(${parameters.join(",")}) -> ${results.join(",") || "void"}`;
  });
}

function readImports(reader: Reader): WasmImport[] {
  return readVector(reader, () => {
    const [module, name, kind] = [reader.name(), reader.name(), reader.byte()];
    if (kind !== 2) return { module, name, kind };
    const memoryFlags = reader.byte();
    reader.uint();
    if ((memoryFlags & 1) !== 0) reader.uint();
    return { module, name, kind, memoryFlags };
  });
}

function readExports(reader: Reader, signature: (index: number) => string): Map<string, string> {
  const entries = readVector(reader, () => {
    const [name, kind, index] = [reader.name(), reader.byte(), reader.uint()];
    return [name, kind === 0 ? signature(index) : (EXPORT_KINDS[kind] ?? "?")] as const;
  });
  return new Map(entries);
}

function readGlobal(reader: Reader): boolean {
  valueType(reader);
  const mutable = reader.byte() === 1;
  reader.skipConstant();
  return mutable;
}

function readSegment(reader: Reader): number {
  const flags = reader.uint();
  if (flags === 2) reader.uint();
  if (flags !== 1) reader.skipConstant();
  return reader.take(reader.uint()).length;
}

function valueType(reader: Reader): string {
  const code = reader.byte();
  const name = VALUE_TYPES.get(code);
  if (name === undefined) throw new Error(`unexpected value type ${code}`);
  return name;
}

function readVector<T>(reader: Reader, item: (reader: Reader) => T): T[] {
  if (reader.done) return [];
  return Array.from({ length: reader.uint() }, () => item(reader));
}

const EMPTY = new Uint8Array(0);

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new Error("the module ends too early");
    return byte;
  }

  u32le(): number {
    return this.byte() + this.byte() * 2 ** 8 + this.byte() * 2 ** 16 + this.byte() * 2 ** 24;
  }

  /** LEB128, unsigned, at most 32 bits. */
  uint(): number {
    let [value, scale, byte] = [0, 1, 0x80];
    while (byte >= 0x80) {
      byte = this.byte();
      value += (byte & 0x7f) * scale;
      scale *= 128;
    }
    return value;
  }

  take(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw new Error("the module ends too early");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  name(): string {
    return new TextDecoder("utf-8", { fatal: true }).decode(this.take(this.uint()));
  }

  /** A constant expression: one instruction, then `end`. */
  skipConstant(): void {
    const opcode = this.byte();
    if (opcode === 0x41 || opcode === 0x42 || opcode === 0x23) this.uint();
    else if (opcode === 0x43) this.take(4);
    else if (opcode === 0x44) this.take(8);
    else throw new Error(`unexpected constant instruction ${opcode}`);
    if (this.byte() !== 0x0b) throw new Error("a constant expression has no end");
  }

  skipTable(): void {
    this.byte();
    const flags = this.byte();
    this.uint();
    if ((flags & 1) !== 0) this.uint();
  }
}
