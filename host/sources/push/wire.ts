import type { BinaryReader } from "@bufbuild/protobuf/wire";

/**
 * Goes through a protobuf message.
 *
 * @param take reads the field and says so, or leaves it to be passed over
 */
export function eachField(
  message: BinaryReader,
  take: (field: number, reader: BinaryReader) => boolean,
): void {
  while (message.pos < message.len) {
    const [field, wireType] = message.tag();
    if (!take(field, message)) message.skip(wireType, field);
  }
}
