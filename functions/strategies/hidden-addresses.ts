import type { z } from "zod";
import { markedParams } from "../../shared/marked-params.ts";

/**
 * Hides the addresses in the params of a strategy in texts made of them: of each only the host is shown, since its path may be a
 * secret. Addresses are what the handler marks as such, and every text that is a URL, as stored and as parsed.
 */
export function addressHiding(schema: z.ZodType, params: unknown, parsed: unknown): AddressHiding {
  const marked = markedParams(schema, params).flatMap(({ use, value }) => (use === "address" ? [value] : []));
  const addresses = [...new Set([...marked, ...urlsIn(params), ...urlsIn(parsed)])].filter((text) =>
    URL.canParse(text),
  );
  const replacements = new Map(addresses.flatMap(replacementsOf));
  // The longest first, since one may be part of another.
  const longestFirst = [...replacements].toSorted(([a], [b]) => b.length - a.length);
  const origins = new Set(addresses.filter(hasPath).map((address) => new URL(address).origin));
  return {
    text: (text) => longestFirst.reduce((clean, [from, to]) => clean.replaceAll(from, to), text),
    url(text) {
      const origin = URL.canParse(text) ? new URL(text).origin : "";
      return origins.has(origin) ? `${origin}/…` : this.text(text);
    },
    hosts: new Set(addresses.map((address) => new URL(address).hostname)),
  };
}

export interface AddressHiding {
  /** The text, with the host alone of each address in it. */
  text(text: string): string;
  /** A URL that is posted to: its host alone when that is the host of an address. */
  url(text: string): string;
  /** Host names of the addresses. */
  readonly hosts: ReadonlySet<string>;
}

/** A shorter part may be in any text by chance. */
const PART_LENGTH_MIN = 4;

/** What each spelling of the address, and of its path, is replaced by. */
function replacementsOf(address: string): [from: string, to: string][] {
  const { href, origin, username, password, pathname, search, hash } = new URL(address);
  if (!hasPath(address)) return [];
  const host = `${origin}/…`;
  const parts = [pathname + search + hash, pathname + search, pathname, search, hash];
  const hidden: [string, string][] = [
    [address, host],
    [href, host],
    ...parts.map((part): [string, string] => [part, "/…"]),
    [search.slice(1), "…"],
    [hash.slice(1), "…"],
    [`${username}:${password}`, "…"],
    [password, "…"],
  ];
  return hidden
    .filter(([from]) => from.length >= PART_LENGTH_MIN)
    .flatMap(([from, to]) => [[from, to] as [string, string], [JSON.stringify(from).slice(1, -1), to]]);
}

/** Whether it has more than its host. */
function hasPath(address: string): boolean {
  const { username, password, pathname, search, hash } = new URL(address);
  return pathname !== "/" || [username, password, search, hash].some((part) => part !== "");
}

function urlsIn(value: unknown): string[] {
  if (typeof value === "string") return value.includes("://") ? [value] : [];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(urlsIn) : [];
}
