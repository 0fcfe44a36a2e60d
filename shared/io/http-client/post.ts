import * as http from "node:http";
import * as https from "node:https";
import { onAbort } from "../../abort.ts";
import { CONNECT_MS_MAX, CONNECTION_WAIT_MS_MAX } from "../../config/run-limits.ts";
import { urlFault } from "../../outgoing-address.ts";
import {
  PermanentError,
  RetryableError,
  type PostAnswer,
  type PostProgress,
  type PostRequest,
} from "../../strategy.ts";
import { connectionSlots } from "./connection-slots.ts";
import { PostConnection } from "./post-connection.ts";
import { assertPublicLiteral, guardedLookup, systemResolve, type Resolve } from "./public-address-lookup.ts";

/** This room posts over HTTP to addresses that a strategy or a person configured, by default to public ones only. */

export interface OutgoingPostOptions {
  /** STRATEGY_PRIVATE_ADDRESSES: whether hosts in private networks, and this machine, may be posted to. */
  readonly privateAddresses: boolean;
  /** STRATEGY_CONNECTIONS_PER_HOST_MAX; absent: as many as there are posts, so that none waits for another. */
  readonly connectionsPerHostMax?: number | undefined;
  /** Longest time to connect, in ms: looking up the host, TCP and TLS. */
  readonly connectMsMax?: number;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve;
}

export type Post = (request: PostRequest, progress?: PostProgress) => Promise<PostAnswer>;

/** Bytes read of an answer; the rest is ignored. */
const TEXT_BYTES_MAX = 4_096;

const POOL: http.AgentOptions = {
  keepAlive: true,
  // Closed before Node servers close them, after five idle seconds: a POST sent at that moment would be lost.
  timeout: 4_000,
};

const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "the connection was closed",
  EPIPE: "the connection was closed",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the host name cannot be resolved at the moment",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ETIMEDOUT: "connecting took too long",
};

/**
 * POSTs over HTTP or HTTPS, without redirects or a proxy. Every status is an answer, even when its body is cut off. Messages
 * name the host, never the path or query, which may be secret, and say whether the request may have arrived.
 * @throws RetryableError when there is no connection within `connectMsMax`, or no answer within `timeoutMs` after that
 * @throws PermanentError `invalid_url`, or `forbidden_address` for a host that is, or resolves to, a non-public address
 * @throws the reason of `abort` once that is aborted
 */
export function outgoingPost({
  privateAddresses,
  connectionsPerHostMax: perHostMax,
  connectMsMax = CONNECT_MS_MAX,
  resolve = systemResolve,
}: OutgoingPostOptions): Post {
  const lookup = guardedLookup({ privateAddresses, resolve });
  const agents = { http: new http.Agent(POOL), https: new https.Agent(POOL) };
  const takeSlot = connectionSlots({ perHostMax, waitMsMax: CONNECTION_WAIT_MS_MAX });

  function open(url: URL, headers: PostRequest["headers"]): http.ClientRequest {
    const options = { method: "POST", headers, lookup };
    return url.protocol === "https:"
      ? https.request(url, { ...options, agent: agents.https })
      : http.request(url, { ...options, agent: agents.http });
  }

  async function exchange(url: URL, request: PostRequest, onSend: () => void): Promise<PostAnswer> {
    const { headers, body, timeoutMs, abort } = request;
    const connection = new PostConnection(() => open(url, headers));
    const stopListening = onAbort(abort, () => connection.cutOff());
    let timer = setTimeout(() => connection.cutOff(), connectMsMax);
    let isSent = false;
    try {
      await connection.ready();
      clearTimeout(timer);
      timer = setTimeout(() => connection.cutOff(), timeoutMs);
      isSent = true;
      onSend();
      const incoming = await connection.send(body);
      return { status: incoming.statusCode ?? 0, text: await beginningOf(incoming) };
    } catch (error) {
      abort.throwIfAborted();
      if (error instanceof PermanentError) throw error;
      const ms = isSent ? timeoutMs : connectMsMax;
      const why = connection.isCutOff ? ` within ${ms} ms` : `: ${failureIn(error)}`;
      throw new RetryableError(
        isSent
          ? `no answer from ${url.host}${why}; the request may have arrived`
          : `no connection to ${url.host}${why}; nothing was sent`,
      );
    } finally {
      clearTimeout(timer);
      stopListening();
      connection.close();
    }
  }

  return async (request, progress) => {
    const { abort } = request;
    const url = targetOf(request.url);
    if (!privateAddresses) assertPublicLiteral(url.hostname);
    abort.throwIfAborted();
    const giveBackSlot = await takeSlot(url.host, abort);
    try {
      return await exchange(url, request, () => progress?.onSend());
    } finally {
      giveBackSlot();
    }
  };
}

function targetOf(text: string): URL {
  const fault = urlFault(text);
  if (fault === undefined) return new URL(text);
  const host = URL.canParse(text) ? ` (host ${new URL(text).host})` : "";
  throw new PermanentError(`the URL to post to${host} cannot be used: ${fault}`, "invalid_url");
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

/** Not the message of the error: it may contain more than the host. */
function failureIn(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return FAILURES[code] ?? code;
}
