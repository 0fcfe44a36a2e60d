import { canonicalJson } from "../reference/reference-text.ts";
import { cutText } from "../text.ts";

/** Params as lists, differences and previews show them: of an address only its host, since its path may be a secret. */
export function shownParam(value: unknown): string {
  return cutText(canonicalJson(hidden(value)) ?? "nothing", SHOWN_BYTES_MAX);
}

const SHOWN_BYTES_MAX = 300;

/** What differs between two params, name by name. */
export function paramChanges(before: unknown, after: unknown): string[] {
  const [was, is] = [objectOf(before), objectOf(after)];
  if (was === undefined || is === undefined) return [`params ${shownParam(before)} → ${shownParam(after)}`];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].toSorted().flatMap((name) => {
    const [old, now] = [was[name], is[name]];
    if (Object.hasOwn(was, name) === Object.hasOwn(is, name) && canonicalJson(old) === canonicalJson(now))
      return [];
    if (!Object.hasOwn(was, name)) return [`params.${name} added: ${shownParam(now)}`];
    if (!Object.hasOwn(is, name)) return [`params.${name} removed, was ${shownParam(old)}`];
    const [oldText, text] = [shownParam(old), shownParam(now)];
    return [`params.${name} ${oldText === text ? `changed, still ${text}` : `${oldText} → ${text}`}`];
  });
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** The value with only the host of each address in it. */
export function hidden(value: unknown): unknown {
  if (typeof value === "string") return value.includes("://") ? hostOf(value) : value;
  if (Array.isArray(value)) return value.map(hidden);
  const object = objectOf(value);
  if (object === undefined) return value;
  return Object.fromEntries(Object.entries(object).map(([name, part]) => [name, hidden(part)]));
}

function hostOf(address: string): string {
  return URL.canParse(address) ? `${new URL(address).host}/…` : "an address";
}
