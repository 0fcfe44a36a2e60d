import type { Operation } from "./description.ts";

/** One request as it is sent, byte by byte. */
export interface Shot {
  /** The operation it is for; undefined for an invented target, method or bytes. */
  readonly operation: Operation | undefined;
  /** Whether it is valid HTTP, so that the app has to answer it. */
  readonly wellFormed: boolean;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly credentials: "token" | "none" | "odd";
  /** Besides Host, Authorization and the headers that frame the body. */
  readonly headers: readonly Header[];
  readonly body: Uint8Array | undefined;
  readonly sending: Sending;
  /** Sent instead of all this. */
  readonly garbage?: Uint8Array;
}

export type Header = readonly [name: string, value: string];

/** `truncated`: the connection is closed in the middle of the body. `stalled`: the rest of it never comes. */
export type Sending = "whole" | "chunked" | "in_pieces" | "truncated" | "stalled";

/** The parts in which a shot is sent, one after the other; as `latin1`, which allows what Node's own client refuses. */
export function partsOf(shot: Shot, { token, host }: { readonly token: string; readonly host: string }) {
  if (shot.garbage !== undefined) return [shot.garbage];
  const { body, sending, headers } = shot;
  const lines = [
    `${shot.method} ${shot.target} HTTP/1.1`,
    ...(headers.some(([name]) => name === "host") ? [] : [`host: ${host}`]),
    "connection: close",
    ...authorization(shot, token),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...framing(body, sending),
  ];
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  if (body === undefined) return [head];
  const half = Math.floor(body.length / 2);
  switch (sending) {
    case "whole":
      return [Buffer.concat([head, body])];
    case "in_pieces":
      return [head, body.subarray(0, half), body.subarray(half)];
    case "chunked":
      return [head, chunk(body.subarray(0, half)), chunk(body.subarray(half)), Buffer.from("0\r\n\r\n")];
    case "truncated":
    case "stalled":
      return [head, body.subarray(0, half)];
  }
}

function framing(body: Uint8Array | undefined, sending: Sending): string[] {
  if (body === undefined) return [];
  if (sending === "chunked") return ["transfer-encoding: chunked"];
  const more = sending === "truncated" || sending === "stalled" ? 1 : 0;
  return [`content-length: ${body.length + more}`];
}

function chunk(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes;
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

function authorization({ credentials, target, method }: Shot, token: string): string[] {
  if (credentials === "none") return [];
  if (credentials === "token") return [`authorization: Bearer ${token}`];
  const wrong = [
    "Bearer",
    "Bearer ",
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    `Bearer x${token}`,
    `Token ${token}`,
    token,
    "Bearer null",
    `Bearer ${"x".repeat(1_000)}`,
    `Basic ${Buffer.from(`${token}:`).toString("base64")}`,
    `Basic ${Buffer.from("admin:admin").toString("base64")}`,
    "Basic ====",
    "Digest username=x",
  ];
  // Any choice is good that is the same for the same request.
  return [`authorization: ${wrong[(target.length + method.length) % wrong.length]}`];
}
