import { cutText } from "../text.ts";

/**
 * Texts with `***` in place of each secret, also as it is written in JSON and in URLs, and where characters of it are escaped that need
 * not be. A secret of less than six characters is redacted only when it is the whole text.
 */
export function secretRedactor(secrets: readonly string[]): SecretRedactor {
  const short = new Set(secrets.filter((secret) => secret.length < SECRET_LENGTH_MIN));
  const spellings = secrets
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  // The longest first, since one may be part of another.
  const hidden = [...new Set(spellings)].toSorted((a, b) => b.length - a.length);

  const asWritten = (text: string): string =>
    short.has(text)
      ? REDACTED
      : hidden.reduce((clean, spelling) => clean.replaceAll(spelling, REDACTED), text);
  /** A text stays as it was written where no secret is in it. */
  const redact = (text: string): string => {
    let clean = asWritten(text);
    for (const [mark, unescape] of ESCAPES) {
      if (!clean.includes(mark)) continue;
      const plain = unescape(clean);
      const found = asWritten(plain);
      if (found !== plain) clean = found;
    }
    return clean;
  };
  return {
    redact,
    // Secrets first: without the field, the end of one that has a comma in it would be left over.
    excerptOf: (body) => cutText(withoutField(redact(withoutJsonEscapes(redact(body)))), EXCERPT_BYTES_MAX),
    storedBody: (body) => withoutField(redact(body)),
  };
}

export interface SecretRedactor {
  /** The text without any of the secrets. */
  readonly redact: (text: string) => string;
  /**
   * The beginning of a body, for the log: without the secrets, and without any other value of a field `secret`, such as a former
   * secret, or one with a typing error.
   */
  readonly excerptOf: (body: string) => string;
  /** A whole body without the same, as it is kept with its signal. */
  readonly storedBody: (body: string) => string;
}

const REDACTED = "***";
const EXCERPT_BYTES_MAX = 300;

/** A shorter secret may be part of any text by chance. */
const SECRET_LENGTH_MIN = 6;

/** How a text escapes characters, and what it is without; both in turn, since a URL may stand in JSON. */
const ESCAPES = [
  ["\\", withoutJsonEscapes],
  ["%", withoutPercentEscapes],
] as const;

/** Also `\/`, which some programs write for each slash. */
function withoutJsonEscapes(text: string): string {
  return text.replaceAll(/\\(?:u([0-9a-f]{4})|\/)/gi, (_, hex: string | undefined) =>
    hex === undefined ? "/" : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function withoutPercentEscapes(text: string): string {
  return text.replaceAll(/(?:%[0-7][0-9a-f])+/gi, (part) => decodeURIComponent(part));
}

function withoutField(text: string): string {
  return text.replaceAll(/(secret["']?\s*[:=]\s*)("(?:[^"\\]|\\.)*"?|[^\s,}&]+)/gi, `$1"${REDACTED}"`);
}
