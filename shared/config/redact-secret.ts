import { cutText } from "../text.ts";

const HIDDEN = "***";
const EXCERPT_BYTES_MAX = 300;

/** A shorter one stands in any text by chance. */
const SECRET_LENGTH_MIN = 6;

/**
 * The text with the secret hidden, also as it is written in JSON and in URLs; one of less than six characters only where
 * it is the whole text.
 */
export function redactSecret(text: string, secret: string): string {
  if (secret.length < SECRET_LENGTH_MIN) return text === secret ? HIDDEN : text;
  const spellings = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
  return spellings.reduce((redacted, spelling) => redacted.replaceAll(spelling, HIDDEN), text);
}

/**
 * Enough of a request's body to recognise it, for the log: without the secret, and without whatever else stands in a
 * field `secret`, such as the secret of last month or one with a letter missing.
 */
export function redactedExcerpt(body: string, secret: string): string {
  const plain = body.replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const withoutField = plain.replaceAll(
    /(secret["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|[^\s,}&]+)/gi,
    `$1"${HIDDEN}"`,
  );
  // Cut last: half a secret at the end would not be recognised.
  return cutText(redactSecret(withoutField, secret), EXCERPT_BYTES_MAX);
}
