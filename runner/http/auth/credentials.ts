import { createHash, timingSafeEqual } from "node:crypto";

/** Tells whether a text is the expected secret, in a time that depends on neither of them; undefined never is. */
export function secretMatcher(expected: string): (given: string | undefined) => boolean {
  const wanted = digest(expected);
  return (given) => given !== undefined && timingSafeEqual(digest(given), wanted);
}

/**
 * What follows `Bearer` in an Authorization header; undefined when it is something else. Hono's middleware refuses
 * characters that HTTP_TOKEN and WEBHOOK_SECRET may have.
 */
export function bearerOf(header: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(header ?? "")?.[1];
}

/** Of one length for all texts, which timingSafeEqual needs, and which hides how long the secret is. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
