/** An HTTP answer, as it was received. */
export interface Answer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Parses the bytes as exactly one answer to a request of this method; a text says why they are not one. */
export function parseAnswer(bytes: Buffer, method: string): Answer | string {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return "the head of the answer does not end";
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1]);
  if (Number.isNaN(status)) return "no status line";
  const rest = bytes.subarray(end + 4);
  // 100 Continue and other interim answers come before it.
  if (status < 200) return parseAnswer(rest, method);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  // A server that could not parse the request does not know that it was HEAD.
  const isHead = method === "HEAD" && (headers.has("x-request-id") || rest.length === 0);
  const isBare = isHead || status === 204 || status === 304;
  if (isBare && rest.length > 0) return "a body where none is allowed";
  if (isBare) return { status, headers, body: rest };
  const body = bodyOf(rest, headers);
  return typeof body === "string" ? body : { status, headers, body };
}

function bodyOf(bytes: Buffer, headers: ReadonlyMap<string, string>): Buffer | string {
  if (headers.get("transfer-encoding") === "chunked") return unchunked(bytes);
  const length = headers.get("content-length");
  if (length === undefined || Number(length) === bytes.length) return bytes;
  return `${bytes.length} bytes follow a head with content-length ${length}`;
}

function unchunked(bytes: Buffer): Buffer | string {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const length = lineEnd < 0 ? Number.NaN : Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    if (Number.isNaN(length)) return "a chunk without a length";
    const from = lineEnd + 2;
    if (length === 0) {
      return bytes.length === from + 2 ? Buffer.concat(chunks) : "bytes follow the last chunk";
    }
    if (from + length > bytes.length) return "the answer ends in the middle of a chunk";
    chunks.push(bytes.subarray(from, from + length));
    at = from + length + 2;
  }
}
