/** A value of the protocol RESP2, in which Redis and its clients talk. An error reply is an Error here. */
export type RespValue = Buffer | number | null | Error | readonly RespValue[];

/** A value and the offset of the next one. */
export interface RespRead {
  readonly value: RespValue;
  readonly next: number;
}

const CR = 13;

/** The value at offset `at`; undefined while it is incomplete. @throws Error when it is not RESP2 */
export function readValue(bytes: Buffer, at: number): RespRead | undefined {
  const lineEnd = bytes.indexOf(CR, at);
  if (lineEnd < 0 || lineEnd + 2 > bytes.length) return undefined;
  const line = bytes.toString("latin1", at + 1, lineEnd);
  const next = lineEnd + 2;
  const type = bytes.toString("latin1", at, at + 1);
  switch (type) {
    case "$":
      return readBulk(bytes, next, Number(line));
    case "*":
      return readArray(bytes, next, Number(line));
    case ":":
      return { value: Number(line), next };
    case "+":
      return { value: Buffer.from(line, "latin1"), next };
    case "-":
      return { value: new Error(line), next };
    default:
      throw new Error(`expected a RESP2 value, found the type ${JSON.stringify(type)}`);
  }
}

/** A command as clients send it: an array of bulk strings. */
export function encodeCommand(args: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) parts.push(Buffer.from(`$${arg.length}\r\n`), arg, Buffer.from("\r\n"));
  return Buffer.concat(parts);
}

function readBulk(bytes: Buffer, at: number, length: number): RespRead | undefined {
  if (length < 0) return { value: null, next: at };
  const end = at + length;
  if (end + 2 > bytes.length) return undefined;
  return { value: bytes.subarray(at, end), next: end + 2 };
}

function readArray(bytes: Buffer, at: number, length: number): RespRead | undefined {
  if (length < 0) return { value: null, next: at };
  const value: RespValue[] = [];
  let next = at;
  for (let i = 0; i < length; i += 1) {
    const element = readValue(bytes, next);
    if (element === undefined) return undefined;
    value.push(element.value);
    next = element.next;
  }
  return { value, next };
}
