/** What Redis and its clients say to each other in RESP2. An error that Redis answered is an Error here. */
export type RespValue = Buffer | number | null | Error | readonly RespValue[];

/** A value and where the next one begins. */
export interface RespRead {
  readonly value: RespValue;
  readonly next: number;
}

const CR = 13;

/** The value that begins at `at`; undefined when it is not all there yet. @throws Error when it is no RESP2 */
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
      throw new Error(`RESP value of type ${JSON.stringify(type)}`);
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
