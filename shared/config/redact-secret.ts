import { cutText } from "../text.ts";

/**
 * The text with `***` in place of the secret, also as it is written in JSON and in URLs. A secret of less than six characters
 * is redacted only when it is the whole text.
 */
export function redactSecret(text: string, secret: string): string {
  if (secret.length < SECRET_LENGTH_MIN) return text === secret ? REDACTED : text;
  const spellings = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
  return spellings.reduce((redacted, spelling) => redacted.replaceAll(spelling, REDACTED), text);
}

const REDACTED = "***";
const EXCERPT_BYTES_MAX = 300;

/** A shorter secret may be part of any text by chance. */
const SECRET_LENGTH_MIN = 6;

/**
 * The beginning of a request's body, for the log: without the secret, and without any other value of a field `secret`, such
 * as a former secret, or one with a typing error.
 */
export function redactedExcerpt(body: string, secret: string): string {
  const plain = body.replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const withoutField = plain.replaceAll(
    /(secret["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|[^\s,}&]+)/gi,
    `$1"${REDACTED}"`,
  );
  // Cut last: part of a secret at the end would not be recognised.
  return cutText(redactSecret(withoutField, secret), EXCERPT_BYTES_MAX);
}
