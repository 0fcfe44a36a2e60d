import { canonicalJson } from "../reference/reference-text.ts";
import { cutText } from "../text.ts";

/** Params as lists, differences and previews show them: of an address only its host, since its path may be a secret. */
function shownParam(value: unknown, marked: Addresses): string {
  return cutText(canonicalJson(hidden(value, marked)) ?? "nothing", SHOWN_BYTES_MAX);
}

/** Texts that are known to be addresses. */
export type Addresses = ReadonlySet<string>;

/** Finds the addresses in params: those that the handler marks. */
export type AddressesIn = (strategy: {
  readonly handler: string;
  readonly params: unknown;
}) => readonly string[];

const SHOWN_BYTES_MAX = 300;

/** What differs between two params, name by name; also between two templates, as `column`. */
export function paramChanges(
  before: unknown,
  after: unknown,
  marked: Addresses,
  column = "params",
): string[] {
  const shown = (value: unknown): string => shownParam(value, marked);
  const [was, is] = [objectOf(before), objectOf(after)];
  if (was === undefined || is === undefined) return [`${column} ${shown(before)} → ${shown(after)}`];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].toSorted().flatMap((name) => {
    const [old, now] = [was[name], is[name]];
    if (Object.hasOwn(was, name) === Object.hasOwn(is, name) && canonicalJson(old) === canonicalJson(now))
      return [];
    if (!Object.hasOwn(was, name)) return [`${column}.${name} added: ${shown(now)}`];
    if (!Object.hasOwn(is, name)) return [`${column}.${name} removed, was ${shown(old)}`];
    const [oldText, text] = [shown(old), shown(now)];
    return [`${column}.${name} ${oldText === text ? `changed, still ${text}` : `${oldText} → ${text}`}`];
  });
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** The value with only the host of each address in it: of what is marked as one, and of every text that looks like a URL. */
export function hidden(value: unknown, marked: Addresses): unknown {
  if (typeof value === "string") return marked.has(value) || value.includes("://") ? hostOf(value) : value;
  if (Array.isArray(value)) return value.map((part) => hidden(part, marked));
  const object = objectOf(value);
  if (object === undefined) return value;
  return Object.fromEntries(Object.entries(object).map(([name, part]) => [name, hidden(part, marked)]));
}

/** Of a URL, and of what is used as one although its slashes or its scheme are missing; what names no host may be a secret. */
function hostOf(address: string): string {
  const host = address.includes("://")
    ? hostIn(address)
    : [address, `https://${address}`].map(hostIn).find((one) => HOST.test(one ?? ""));
  return host === undefined ? "an address" : `${host}/…`;
}

function hostIn(text: string): string | undefined {
  return URL.canParse(text) ? new URL(text).host : undefined;
}

const HOST = /\.|^localhost(:|$)|^\[/;
