import { BlockList, isIP } from "node:net";
import * as z from "zod";
import { parseRedisUrl } from "./redis-url.ts";

/** Parsers for the texts of variables; the error of each says what it expects. */

export const SCHEMA_EXPECTED =
  "the name of a Postgres schema: at most 63 bytes, without quotes, backslashes and control characters, and none of Postgres' own";

/** A text that `parse` turns into a value. When `parse` returns undefined, the error is what was `expected`. */
export function text<T>(expected: string, parse: (value: string) => T | undefined) {
  return z.string().transform((value, context): T => {
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    context.issues.push({ code: "custom", message: expected, input: value });
    return z.NEVER;
  });
}

/** REDIS_URL as it was given. */
export const redisAddresses = z.string().transform((value, context) => {
  const answer = parseRedisUrl(value);
  if (answer.ok) return value;
  context.issues.push({ code: "custom", message: answer.expected, input: value });
  return z.NEVER;
});

export const matching = (expected: string, pattern: RegExp) =>
  text(expected, (value) => (pattern.test(value) ? value : undefined));

/** Kept as it is written: statements quote it. Quotes are refused, which the library of the migrations does not double. */
export const schemaName = text(SCHEMA_EXPECTED, (value) => (isSchemaName(value) ? value : undefined));

/** Digits only: not "1e3", not "0x10", and "" is not 0. */
export function integer(min: number, max: number) {
  return text(`an integer from ${min} to ${max}`, (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max ? number : undefined;
  });
}

export function commaList<T>(expected: string, parse: (item: string) => T | undefined) {
  return text(`a comma list of ${expected}`, (value): readonly T[] | undefined => {
    const items: T[] = [];
    for (const part of value.split(",")) {
      const name = part.trim();
      if (name === "") continue;
      const item = parse(name);
      if (item === undefined) return undefined;
      if (!items.includes(item)) items.push(item);
    }
    return items.length > 0 ? items : undefined;
  });
}

export function namesOutOf<Name extends string>(names: readonly Name[]) {
  return commaList(`names out of: ${names.join(", ")}`, (item) => names.find((name) => name === item));
}

export const cidrList = commaList("IP addresses and CIDR ranges such as 203.0.113.7 or 10.0.0.0/8", (item) =>
  isAddressRange(item) ? item : undefined,
);

/** A list of ranges that {@link readConfig} accepts, in the form that can `check` an address. */
export function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function isAddressRange(range: string): boolean {
  const [, address = "", bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
  const version = isIP(address);
  // isIP accepts a zone ("fe80::1%eth0"), BlockList refuses it.
  return version !== 0 && !address.includes("%") && Number(bits ?? 0) <= (version === 6 ? 128 : 32);
}

const SCHEMA_BYTES_MAX = 63;

/** Whether it can be a schema of the router's own in Postgres. */
export function isSchemaName(name: string): boolean {
  const bytes = Buffer.byteLength(name);
  const isPostgres = name.startsWith("pg_") || name === "information_schema";
  return bytes > 0 && bytes <= SCHEMA_BYTES_MAX && !isPostgres && !/["'\\]|\p{C}/u.test(name);
}

export function isKeyPrefix(prefix: string): boolean {
  let open = 0;
  for (const char of prefix) {
    if (char === "{") open += 1;
    if (char === "}") open -= 1;
    if (open < 0) return false;
  }
  // The first hash tag decides the Cluster slot; an empty one does not count.
  return open === 0 && !/^[^{]*\{\}/.test(prefix) && /^[^\s\p{C}]{1,100}$/u.test(prefix);
}
