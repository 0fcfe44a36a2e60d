import { createHash, timingSafeEqual } from "node:crypto";

/** Compares texts with the expected secret, in a time that depends on neither of them; undefined never matches. */
export function secretMatcher(expected: string): (given: string | undefined) => boolean {
  const expectedDigest = digest(expected);
  return (given) => given !== undefined && timingSafeEqual(digest(given), expectedDigest);
}

/**
 * Whose secret a text is: of each holder all secrets are compared, so that the time does not reveal which one was nearly right.
 */
export function holderMatcher(
  secrets: ReadonlyMap<string, readonly string[]>,
): (given: string | undefined) => ReadonlySet<string> {
  const expected = [...secrets].flatMap(([holder, values]) =>
    values.map((value) => [holder, digest(value)] as const),
  );
  return (given) => {
    const holders = new Set<string>();
    if (given === undefined) return holders;
    const givenDigest = digest(given);
    for (const [holder, each] of expected) if (timingSafeEqual(givenDigest, each)) holders.add(holder);
    return holders;
  };
}

/**
 * The token of an Authorization header with the scheme Bearer. Hono's own middleware refuses characters that HTTP_TOKEN and
 * WEBHOOK_SECRET may have.
 */
export function bearerOf(header: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(header ?? "")?.[1];
}

/** Has the same length for all texts: timingSafeEqual needs that, and it hides the length of the secret. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
