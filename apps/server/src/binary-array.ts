// PostgreSQL's binary form of one-dimensional arrays without nulls (array_recv): one parameter for a whole column, whose
// values are copied and neither escaped nor parsed.

const BYTEA = 17;
const INT8 = 20;
const TEXT = 25;
const HEADER = 20;

export function byteaArray(values: readonly Uint8Array[]): Buffer {
  return variable(
    BYTEA,
    values,
    (value) => value.length,
    (value, array, at) => {
      array.set(value, at);
    },
  );
}

/** ASCII without quotes, as keys are. */
export function asciiArray(values: readonly string[]): Buffer {
  return variable(
    TEXT,
    values,
    (value) => value.length,
    (value, array, at) => {
      array.write(value, at, "latin1");
    },
  );
}

/** Safe integers, not negative. */
export function bigintArray(values: readonly number[]): Buffer {
  const array = allocate(INT8, values.length, 12 * values.length);
  let at = HEADER;
  for (const value of values) {
    array.writeInt32BE(8, at);
    array.writeUInt32BE(Math.floor(value / 2 ** 32), at + 4);
    array.writeUInt32BE(value % 2 ** 32, at + 8);
    at += 12;
  }
  return array;
}

function variable<T>(
  type: number,
  values: readonly T[],
  lengthOf: (value: T) => number,
  write: (value: T, array: Buffer, at: number) => void,
): Buffer {
  let length = 0;
  for (const value of values) length += 4 + lengthOf(value);
  const array = allocate(type, values.length, length);
  let at = HEADER;
  for (const value of values) {
    const size = lengthOf(value);
    array.writeInt32BE(size, at);
    write(value, array, at + 4);
    at += 4 + size;
  }
  return array;
}

function allocate(type: number, count: number, length: number): Buffer {
  if (count === 0) {
    const empty = Buffer.alloc(12);
    empty.writeInt32BE(type, 8);
    return empty;
  }
  const array = Buffer.allocUnsafe(HEADER + length);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(0, 4);
  array.writeInt32BE(type, 8);
  array.writeInt32BE(count, 12);
  array.writeInt32BE(1, 16);
  return array;
}
