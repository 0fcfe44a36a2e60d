import * as http from "node:http";
import * as https from "node:https";
import { PermanentError, RetryableError, type PostAnswer, type PostRequest } from "../../strategy.ts";
import { assertPublicLiteral, guardedLookup, systemResolve, type Resolve } from "./public-address-lookup.ts";

export interface OutgoingPostOptions {
  /** STRATEGY_PRIVATE_ADDRESSES: whether hosts of private networks, and this machine, may be posted to. */
  readonly privateAddresses: boolean;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve;
}

/** Read of an answer, in bytes; the rest is not waited for. */
const TEXT_BYTES_MAX = 4_096;

const POOL: http.AgentOptions = {
  keepAlive: true,
  // To one host; more wait for their turn. A host that is slow holds up nobody but itself.
  maxSockets: 32,
  maxFreeSockets: 8,
  // Idle connections end before Node's own servers end them, after five seconds: a POST that crosses with that is lost.
  timeout: 4_000,
};

const WHAT_HAPPENED: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection closed before the answer",
  EPIPE: "connection closed before the answer",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "its name cannot be resolved now",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ETIMEDOUT: "connecting took too long",
};

/**
 * POSTs over HTTP or HTTPS, following no redirect and asking no proxy. Whatever status comes back is an answer, also when its
 * body breaks off. Messages name the host and never the path or query, which may be a secret.
 * @throws RetryableError when there is no answer within `timeoutMs`
 * @throws PermanentError `invalid_url`, or `forbidden_address` for a host that is, or resolves to, an address that is not public
 * @throws the reason of `abort` once that is aborted
 */
export function outgoingPost({
  privateAddresses,
  resolve = systemResolve,
}: OutgoingPostOptions): (request: PostRequest) => Promise<PostAnswer> {
  const lookup = guardedLookup({ privateAddresses, resolve });
  const agents = { http: new http.Agent(POOL), https: new https.Agent(POOL) };

  function open(url: URL, headers: PostRequest["headers"], signal: AbortSignal): http.ClientRequest {
    const options = { method: "POST", headers, lookup, signal };
    return url.protocol === "https:"
      ? https.request(url, { ...options, agent: agents.https })
      : http.request(url, { ...options, agent: agents.http });
  }

  return async ({ url: text, headers, body, timeoutMs, abort }) => {
    const url = targetOf(text);
    // The address in brackets, where it is one of IPv6.
    if (!privateAddresses) assertPublicLiteral(url.hostname.replace(/^\[|\]$/g, ""));
    abort.throwIfAborted();
    // Not AbortSignal.any: each use leaves a trace on a signal that lives as long as the process (Node 20).
    const over = new AbortController();
    const outgoing = open(url, headers, over.signal);
    const end = (): void => over.abort();
    const timer = setTimeout(end, timeoutMs);
    abort.addEventListener("abort", end, { once: true });
    try {
      return await answerTo(outgoing, body, over.signal);
    } catch (error) {
      abort.throwIfAborted();
      if (over.signal.aborted) throw new RetryableError(`${url.host} gave no answer within ${timeoutMs} ms`);
      throw failureOf(url, error);
    } finally {
      clearTimeout(timer);
      abort.removeEventListener("abort", end);
    }
  };
}

function targetOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new PermanentError("the URL to post to is not one: expected http:// or https://", "invalid_url");
  }
  if (url.username !== "" || url.password !== "") {
    throw new PermanentError(`the URL of ${url.host} has a user or a password in it`, "invalid_url");
  }
  return url;
}

async function answerTo(outgoing: http.ClientRequest, body: string, over: AbortSignal): Promise<PostAnswer> {
  const incoming = await new Promise<http.IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.on("error", reject);
    // A request that waits for a connection says nothing of its end before it has one.
    over.addEventListener("abort", () => reject(new Error("over")), { once: true });
    outgoing.end(body);
  });
  return { status: incoming.statusCode ?? 0, text: await beginningOf(incoming) };
}

async function beginningOf(incoming: http.IncomingMessage): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      text += decoder.decode(chunk.subarray(0, TEXT_BYTES_MAX - size), { stream: true });
      size += chunk.length;
      if (size >= TEXT_BYTES_MAX) break;
    }
  } catch {
    // Whoever has sent a status has decided: sending again because of the rest could do it twice.
    return text;
  }
  return text;
}

function failureOf(url: URL, error: unknown): Error {
  if (error instanceof PermanentError) return error;
  // Not the message: it may hold more than the host.
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return new RetryableError(`no answer from ${url.host}: ${WHAT_HAPPENED[code] ?? code}`);
}
