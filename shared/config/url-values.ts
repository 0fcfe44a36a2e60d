import * as z from "zod";

/** Variables that are URLs. */

/** What one kind of URL may be. */
export interface UrlKind {
  /** In words, for the error. */
  readonly expected: string;
  /** With the colon. */
  readonly protocols: readonly string[];
  readonly fits?: (url: URL) => boolean;
  /** Whether an @ may stand in its path, as in `https://host/@name`; it may not behind a user or a port. */
  readonly atInPath?: true;
}

/**
 * The URL as it was given. A user or password that is not encoded is refused: a parser may take part of it for the host, and then
 * that part is connected to, and printed.
 */
export function url({ expected, protocols, fits = () => true, atInPath }: UrlKind) {
  return z.string().transform((value, context) => {
    const refuse = (message: string): never => {
      context.issues.push({ code: "custom", message, input: value });
      return z.NEVER;
    };
    if (hasUnencoded(value, atInPath === true)) return refuse(`${expected}. ${ENCODE}`);
    if (!value.includes("://") || !URL.canParse(value)) return refuse(expected);
    const parsed = new URL(value);
    return protocols.includes(parsed.protocol) && fits(parsed) ? value : refuse(expected);
  });
}

export const ENCODE =
  "In user and password write / as %2F, @ as %40, : as %3A, ? as %3F, # as %23 and % as %25, as encodeURIComponent of JavaScript does";

/** Whether the text behind the scheme shows a character that belongs to a user or password and is not encoded. */
export function hasUnencoded(value: string, atInPath: boolean): boolean {
  const [, authority = "", rest = ""] = /^[^:]*:(?:\/\/)?([^/?#\\]*)([^]*)$/.exec(value) ?? [];
  const user = authority.includes("@") ? authority.slice(0, authority.lastIndexOf("@")) : "";
  if (/%(?![0-9a-f]{2})/i.test(user)) return true;
  if (!rest.includes("@")) return false;
  return !atInPath || /[@:]/.test(authority);
}
