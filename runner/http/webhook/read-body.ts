import { setTimeout as pause } from "node:timers/promises";

/** The text of a body, or why there is none. */
export type BodyAnswer =
  | { readonly status: "read"; readonly text: string }
  | { readonly status: "too_large" }
  /** Not all of it was there in time. */
  | { readonly status: "late" }
  /** The connection broke. */
  | { readonly status: "broken_off" };

export interface BodyLimits {
  readonly bytesMax: number;
  readonly msMax: number;
}

/** Reads a body as UTF-8, without its byte order mark, within these limits. */
export async function readBody(request: Request, { bytesMax, msMax }: BodyLimits): Promise<BodyAnswer> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) return { status: "too_large" };
  if (request.body === null) return { status: "read", text: "" };
  // Not cancelled when the rest is not wanted: on Node that closes the connection the answer is to be sent on, and which
  // a proxy may use for others' requests too. The server drains what is left.
  const reader = request.body.getReader();
  const decoder = new TextDecoder();
  const inTime = new AbortController();
  // Ending the wait rejects it, when nobody looks at it any more.
  const late = pause(msMax, "late" as const, { signal: inTime.signal }).catch(() => "late" as const);
  let text = "";
  let bytes = 0;
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), late]);
      if (next === "late") return { status: "late" };
      if (next.done) return { status: "read", text: text + decoder.decode() };
      bytes += next.value.length;
      if (bytes > bytesMax) return { status: "too_large" };
      text += decoder.decode(next.value, { stream: true });
    }
  } catch {
    // A body can fail in one way only: whoever sends it goes away.
    return { status: "broken_off" };
  } finally {
    inTime.abort();
  }
}
