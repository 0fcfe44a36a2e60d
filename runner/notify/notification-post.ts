import { AbortError } from "p-retry";
import { messageOf } from "../../shared/error-message.ts";
import type { NotificationBody } from "../../shared/notification/notification.ts";
import { PermanentError, type PostAnswer, type PostRequest } from "../../shared/strategy.ts";
import { excerpt } from "../../shared/text.ts";

export interface NotificationPostDeps {
  /** NOTIFY_URL */
  readonly url: string;
  readonly post: (request: PostRequest) => Promise<PostAnswer>;
  readonly abort: AbortSignal;
}

/** Longest wait for one answer. */
const TIMEOUT_MS = 2_000;

/**
 * Posts a notification once. No error says anything of the URL but its host, for chat services keep their token in it.
 * @throws AbortError when trying again is no use: the receiver does not want it, or the URL cannot be posted to
 * @throws Error when it may work the next time
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
      throw error instanceof PermanentError ? new AbortError(message) : new Error(message);
    });
    const { status, text } = answer;
    if (status >= 200 && status < 300) return;
    const message = redacted(`it answered ${status}${text === "" ? "" : `: ${excerpt(text)}`}`);
    throw mayWorkLater(status) ? new Error(message) : new AbortError(message);
  };
}

/** Where to post: user and password, if the URL has them, are a header. */
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

/** Everything of the URL that may be a secret, the longest first: an answer may repeat what it was asked. */
function secretsIn(text: string): string[] {
  const { href, pathname, search, username, password } = new URL(text);
  const parts = [text, href, pathname + search, pathname, search, password, username];
  // Shorter ones, such as "/", stand in any text by chance.
  return parts.filter((part) => part.length >= 4).toSorted((a, b) => b.length - a.length);
}

/** Too many requests, too slow, or the receiver's own trouble. */
function mayWorkLater(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}
