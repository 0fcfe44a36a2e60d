import * as http from "node:http";
import * as https from "node:https";
import { urlFault } from "../../outgoing-address.ts";
import { PermanentError, RetryableError, type PostAnswer, type PostRequest } from "../../strategy.ts";
import { assertPublicLiteral, guardedLookup, systemResolve, type Resolve } from "./public-address-lookup.ts";

/** This room posts over HTTP to addresses that a strategy or a person configured, by default to public ones only. */

export interface OutgoingPostOptions {
  /** STRATEGY_PRIVATE_ADDRESSES: whether hosts in private networks, and this machine, may be posted to. */
  readonly privateAddresses: boolean;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve;
}

/** Bytes read of an answer; the rest is ignored. */
const TEXT_BYTES_MAX = 4_096;

const POOL: http.AgentOptions = {
  keepAlive: true,
  // Per host, further requests wait: a slow host delays no other.
  maxSockets: 32,
  maxFreeSockets: 8,
  // Closed before Node servers close them, after five idle seconds: a POST sent at that moment would be lost.
  timeout: 4_000,
};

const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection closed before the answer",
  EPIPE: "connection closed before the answer",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the host name cannot be resolved at the moment",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ETIMEDOUT: "connecting took too long",
};

/**
 * POSTs over HTTP or HTTPS, without redirects or a proxy. Every status is an answer, even when its body is cut off. Messages
 * name the host, never the path or query, which may be secret.
 * @throws RetryableError when there is no answer within `timeoutMs`
 * @throws PermanentError `invalid_url`, or `forbidden_address` for a host that is, or resolves to, a non-public address
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
    if (!privateAddresses) assertPublicLiteral(url.hostname);
    abort.throwIfAborted();
    // Not AbortSignal.any: in Node 20 each use stays in the memory of a signal that lives as long as the process.
    const ended = new AbortController();
    const outgoing = open(url, headers, ended.signal);
    const end = (): void => ended.abort();
    const timer = setTimeout(end, timeoutMs);
    abort.addEventListener("abort", end, { once: true });
    try {
      return await answerTo(outgoing, body, ended.signal);
    } catch (error) {
      abort.throwIfAborted();
      if (ended.signal.aborted) throw new RetryableError(`${url.host} gave no answer within ${timeoutMs} ms`);
      throw failureOf(url, error);
    } finally {
      clearTimeout(timer);
      abort.removeEventListener("abort", end);
    }
  };
}

function targetOf(text: string): URL {
  const fault = urlFault(text);
  if (fault === undefined) return new URL(text);
  const host = URL.canParse(text) ? ` (host ${new URL(text).host})` : "";
  throw new PermanentError(`the URL to post to${host} cannot be used: ${fault}`, "invalid_url");
}

async function answerTo(outgoing: http.ClientRequest, body: string, ended: AbortSignal): Promise<PostAnswer> {
  const incoming = await new Promise<http.IncomingMessage>((resolve, reject) => {
    outgoing.once("response", resolve);
    outgoing.on("error", reject);
    // A request that still waits for a connection does not emit an error when it is aborted.
    ended.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
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
    // The status says what the receiver decided: a retry because of the missing rest could make it act twice.
    return text;
  }
  return text;
}

function failureOf(url: URL, error: unknown): Error {
  if (error instanceof PermanentError) return error;
  // Not the message of the error: it may contain more than the host.
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return new RetryableError(`no answer from ${url.host}: ${FAILURES[code] ?? code}`);
}
