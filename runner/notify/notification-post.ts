import { AbortError } from "p-retry";
import { messageOf } from "../../shared/error-message.ts";
import type { NotificationBody } from "../../shared/notification/notification.ts";
import { PermanentError, type PostAnswer, type PostRequest } from "../../shared/strategy.ts";
import { excerpt } from "../../shared/text.ts";

/**
 * Posts a notification to NOTIFY_URL once. Errors name only the host of the URL, since its path may hold a token.
 * @throws AbortError when a retry cannot succeed, Error when it may
 */
export function notificationPost({
  url,
  post,
  abort,
}: NotificationPostDeps): (body: NotificationBody) => Promise<void> {
  const target = targetOf(url);
  const secrets = secretsIn(url);
  const redacted = (text: string): string =>
    secrets.reduce((clean, secret) => clean.replaceAll(secret, "***"), text);
  return async (body) => {
    const request = { ...target, body: JSON.stringify(body), timeoutMs: TIMEOUT_MS, abort };
    const answer = await post(request).catch((error: unknown) => {
      const message = redacted(messageOf(error));
      throw error instanceof PermanentError ? refused(message) : new Error(message);
    });
    const { status, text } = answer;
    if (status >= 200 && status < 300) return;
    const message = redacted(`it answered ${status}${text === "" ? "" : `: ${excerpt(text)}`}`);
    throw canBeRetried(status) ? new Error(message) : refused(message);
  };
}

export interface NotificationPostDeps {
  /** NOTIFY_URL */
  readonly url: string;
  readonly post: (request: PostRequest) => Promise<PostAnswer>;
  /** Ends the post in flight. */
  readonly abort: AbortSignal;
}

/** Another attempt would end in the same way. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

function refused(message: string): AbortError {
  return new AbortError(new RefusedError(message));
}

/** Longest wait for one answer. */
const TIMEOUT_MS = 2_000;

/** User and password of the URL are sent as a header. */
function targetOf(text: string): Pick<PostRequest, "url" | "headers"> {
  const url = new URL(text);
  const { username, password } = url;
  const headers = { "Content-Type": "application/json" };
  if (username === "" && password === "") return { url: text, headers };
  url.username = "";
  url.password = "";
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const Authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;
  return { url: url.href, headers: { ...headers, Authorization } };
}

/** The parts of the URL that may be secret, the longest first; a receiver may repeat them in its answer. */
function secretsIn(text: string): string[] {
  const { href, pathname, search, username, password } = new URL(text);
  const parts = [text, href, pathname + search, pathname, search, password, username];
  // Shorter parts, such as "/", occur in any text by chance.
  return parts.filter((part) => part.length >= 4).toSorted((a, b) => b.length - a.length);
}

/** Too slow, too many requests, or an error of the receiver. */
function canBeRetried(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}
