import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { compress } from "snappyjs";

export interface SeriesToWrite {
  readonly labels: Readonly<Record<string, string>>;
  /** Time in ms and value. */
  readonly samples: readonly (readonly [number, number])[];
}

/** A `prometheus.WriteRequest` as Prometheus sends it. */
export function remoteWriteBytes(series: readonly SeriesToWrite[]): Uint8Array {
  return compress(remoteWriteMessage(series));
}

/** The same before it is packed. */
export function remoteWriteMessage(series: readonly SeriesToWrite[]): Uint8Array {
  const message = new BinaryWriter();
  for (const { labels, samples } of series) {
    const one = new BinaryWriter();
    for (const [name, value] of Object.entries(labels)) {
      const label = new BinaryWriter().tag(1, WireType.LengthDelimited).string(name);
      label.tag(2, WireType.LengthDelimited).string(value);
      one.tag(1, WireType.LengthDelimited).bytes(label.finish());
    }
    for (const [timeMs, value] of samples) {
      const sample = new BinaryWriter().tag(1, WireType.Bit64).double(value);
      one
        .tag(2, WireType.LengthDelimited)
        .bytes(sample.tag(2, WireType.Varint).int64(timeMs).finish());
    }
    message.tag(1, WireType.LengthDelimited).bytes(one.finish());
  }
  return message.finish();
}
