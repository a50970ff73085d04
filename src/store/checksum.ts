/** CRC-32C (Castagnoli) as LevelDB stores it: masked, so that a checksum of checksums does not cancel out. */
const POLYNOMIAL = 0x82f63b78;
const MASK_DELTA = 0xa282ead8;

/** Tables for eight bytes at a time: a log of 16 MB is read at each start that follows a crash. */
const STRIDE = 8;
const tables: Uint32Array[] = [
  Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    return crc;
  }),
];
const T0 = tables[0]!;
for (let place = 1; place < STRIDE; place++) {
  tables.push(tables[place - 1]!.map((crc) => T0[crc & 0xff]! ^ (crc >>> 8)));
}
const [, T1, T2, T3, T4, T5, T6, T7] = tables as [A, A, A, A, A, A, A, A];
type A = Uint32Array;

/** Of the bytes from `from` up to, and without, `to`. */
export function maskedChecksum(bytes: Uint8Array, from: number, to: number): number {
  let crc = 0xffffffff;
  let at = from;
  for (; at + STRIDE <= to; at += STRIDE) {
    crc =
      T7[(crc ^ bytes[at]!) & 0xff]! ^
      T6[((crc >>> 8) ^ bytes[at + 1]!) & 0xff]! ^
      T5[((crc >>> 16) ^ bytes[at + 2]!) & 0xff]! ^
      T4[(crc >>> 24) ^ bytes[at + 3]!]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!;
  }
  for (; at < to; at++) crc = T0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}
