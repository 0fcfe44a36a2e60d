import { cutText } from "../text.ts";

/**
 * The text with `***` in place of each secret, also as it is written in JSON and in URLs. A secret of less than six characters
 * is redacted only when it is the whole text. `secrets` are ordered, the longest first.
 */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce(redactSecret, text);
}

function redactSecret(text: string, secret: string): string {
  if (secret.length < SECRET_LENGTH_MIN) return text === secret ? REDACTED : text;
  const spellings = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
  return spellings.reduce((redacted, spelling) => redacted.replaceAll(spelling, REDACTED), text);
}

const REDACTED = "***";
const EXCERPT_BYTES_MAX = 300;

/** A shorter secret may be part of any text by chance. */
const SECRET_LENGTH_MIN = 6;

/**
 * The beginning of a request's body, for the log: without the secrets, and without any other value of a field `secret`, such
 * as a former secret, or one with a typing error.
 */
export function redactedExcerpt(body: string, secrets: readonly string[]): string {
  const shown = withoutEncodedSecrets(withoutField(withoutJsonEscapes(body)), secrets);
  // Cut last: part of a secret at the end would not be recognised.
  return cutText(shown, EXCERPT_BYTES_MAX);
}

/** The same of the whole body, which stays as it was written where no secret is in it. */
export function redactedBody(body: string, secrets: readonly string[]): string {
  const plain = withoutJsonEscapes(body);
  const isEscaped = redactSecrets(plain, secrets) !== plain && redactSecrets(body, secrets) === body;
  return withoutEncodedSecrets(withoutField(isEscaped ? plain : body), secrets);
}

/** Without secrets, also where characters of them are percent-encoded that need not be. */
function withoutEncodedSecrets(text: string, secrets: readonly string[]): string {
  const redacted = redactSecrets(text, secrets);
  if (!redacted.includes("%")) return redacted;
  const decoded = redacted.replaceAll(/(?:%[0-7][0-9a-f])+/gi, (part) => decodeURIComponent(part));
  const found = redactSecrets(decoded, secrets);
  return found === decoded ? redacted : found;
}

function withoutJsonEscapes(text: string): string {
  return text.replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function withoutField(text: string): string {
  return text.replaceAll(/(secret["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|[^\s,}&]+)/gi, `$1"${REDACTED}"`);
}
