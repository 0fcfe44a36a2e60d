import { within } from "../../engine/time-limit.ts";

/** Reads a body as UTF-8, without its byte order mark, within these limits. */
export async function readBody(request: Request, { bytesMax, msMax }: BodyLimits): Promise<BodyAnswer> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) return { status: "too_large" };
  if (request.body === null) return { status: "read", text: "" };
  const late = new AbortController();
  return within(msMax, textOf(request.body, bytesMax, late.signal), () => {
    late.abort();
    return { status: "late" };
  });
}

/** The text of a body, or why there is none. */
export type BodyAnswer =
  | { readonly status: "read"; readonly text: string }
  | { readonly status: "too_large" }
  /** It did not all arrive in time. */
  | { readonly status: "late" }
  /** The client disconnected. */
  | { readonly status: "broken_off" };

export interface BodyLimits {
  readonly bytesMax: number;
  readonly msMax: number;
}

/**
 * The body is never cancelled: on Node that would close the connection, which the answer needs and a proxy may use for other
 * requests. The server drains the rest.
 */
async function textOf(
  body: ReadableStream<Uint8Array>,
  bytesMax: number,
  late: AbortSignal,
): Promise<BodyAnswer> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for (;;) {
      const next = await reader.read();
      if (late.aborted) return { status: "late" };
      if (next.done) return { status: "read", text: text + decoder.decode() };
      bytes += next.value.length;
      if (bytes > bytesMax) return { status: "too_large" };
      text += decoder.decode(next.value, { stream: true });
    }
  } catch {
    // A body fails only when the client disconnects.
    return { status: "broken_off" };
  }
}
