import { ENCODE, hasUnencoded } from "./url-values.ts";

/** What REDIS_URL names: one server, several addresses to begin with, or the Sentinels that know which server is the primary. */
export function parseRedisUrl(text: string): RedisUrlAnswer {
  const [, given = "", rest = ""] = /^(redis(?:s)?(?:-sentinel)?):\/\/(.*)$/is.exec(text) ?? [];
  const scheme = given.toLowerCase();
  const isSentinel = scheme.endsWith("-sentinel");
  const expected = isSentinel ? SENTINEL_EXPECTED : SERVERS_EXPECTED;
  if (scheme === "") return { ok: false, expected };
  if (text.split(/,(?=\s*redis[a-z-]*:)/i).some((part) => hasUnencoded(part.trim(), false)))
    return { ok: false, expected: `${expected}. ${ENCODE}` };
  if (rest.includes("#")) return { ok: false, expected };

  // Each address may have the scheme again, as lists for other clients have it.
  const schemes = [...rest.matchAll(NEXT_SCHEME)].map(([, other = ""]) => other.toLowerCase());
  if (schemes.some((other) => other !== scheme)) return { ok: false, expected: ONE_SCHEME };
  const [list = "", ...queries] = rest.replaceAll(NEXT_SCHEME, ",").split("?");
  const { credentials: shown, addresses } = splitList(list);
  const credentials = credentialsOf(shown);
  const parts = addresses.map((address) => partOf(address, shown));
  const known = parts.filter((part) => part !== undefined);
  const path = known.at(-1)?.path ?? "";
  const parameters = parametersOf(queries.join("?"), isSentinel);
  const [isPath, masterName = "", db] = (isSentinel ? SENTINEL_PATH : SERVERS_PATH).exec(path) ?? [];
  const isUsable = known.length === parts.length && isPath !== undefined;
  if (!isUsable || credentials === undefined || parameters === undefined) return { ok: false, expected };
  if (known.some((part) => part.path !== "" && part.path !== path)) return { ok: false, expected: ONE_PATH };

  const port = isSentinel ? SENTINEL_PORT : REDIS_PORT;
  const { family, sentinelUsername: username, sentinelPassword: password } = parameters;
  return {
    ok: true,
    target: {
      seeds: known.map((part) => ({ host: part.host, port: part.port ?? port })),
      tls: scheme.startsWith("rediss"),
      db: Number(db ?? 0),
      ...credentials,
      ...(family === undefined ? {} : { family: Number(family) }),
      ...(isSentinel
        ? {
            sentinel: {
              masterName,
              ...(username === undefined ? {} : { username }),
              ...(password === undefined ? {} : { password }),
            },
          }
        : {}),
    },
  };
}

export type RedisUrlAnswer =
  | { readonly ok: true; readonly target: RedisTarget }
  /** In words, without anything of the value. */
  | { readonly ok: false; readonly expected: string };

/** Where Redis is, and how to log in there. */
export interface RedisTarget extends Credentials {
  /** Servers, or Sentinels; at least one. */
  readonly seeds: readonly RedisAddress[];
  readonly tls: boolean;
  readonly db: number;
  /** Version of IP to use: 4, 6, or 0 for both. */
  readonly family?: number;
  /** Set when the seeds are Sentinels. */
  readonly sentinel?: Credentials & { readonly masterName: string };
}

interface Credentials {
  /** Empty: the default user. */
  readonly username?: string;
  readonly password?: string;
}

export interface RedisAddress {
  /** An IPv6 address is without brackets. */
  readonly host: string;
  readonly port: number;
}

export function addressText({ host, port }: RedisAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The URL without user, password and parameters, whatever it names; undefined when it is none of these URLs. */
export function redactRedisUrl(text: string): string | undefined {
  const answer = parseRedisUrl(text);
  if (!answer.ok) return undefined;
  const { username = "", password = "", sentinel } = answer.target;
  const [, scheme = "", rest = ""] = /^([^:]*:\/\/)([^?]*)/.exec(text) ?? [];
  const { credentials, addresses } = splitList(rest.replaceAll(NEXT_SCHEME, ","));
  const hosts = addresses.map((address) => withoutCredentials(address, credentials));
  const isNamed = username !== "" || password !== "" || sentinel?.password !== undefined;
  return `${scheme}${isNamed ? "***@" : ""}${hosts.join(",").replace(/\/$/, "")}`;
}

/** Whether two URLs name the same data: a common address, the same database and, at Sentinels, the same name. */
export function isSameRedis(one: string, other: string): boolean {
  const [here, there] = [parseRedisUrl(one), parseRedisUrl(other)];
  if (!here.ok || !there.ok) return false;
  const addresses = new Set(there.target.seeds.map(comparable));
  return (
    here.target.db === there.target.db &&
    here.target.tls === there.target.tls &&
    here.target.sentinel?.masterName === there.target.sentinel?.masterName &&
    here.target.seeds.some((seed) => addresses.has(comparable(seed)))
  );
}

export const SERVERS_EXPECTED =
  "redis://[user:password@]host[:port][,host2[:port]…][/db], with db a number and nothing after it but ?family=6, or the same with rediss://; or redis-sentinel://[user:password@]host[:port][,host2[:port]…]/<master name>[/db]";
const SENTINEL_EXPECTED =
  "redis-sentinel://[user:password@]host[:port][,host2[:port]…]/<master name>[/db], with nothing after it but ?sentinelUsername=, ?sentinelPassword= and ?family=6, or the same with rediss-sentinel://";
const ONE_SCHEME = "the same scheme before every address: all with TLS (rediss://), or all without";
const ONE_PATH = "the database, or the name at the Sentinels, once, behind the last address";

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;
const NEXT_SCHEME = /,\s*(rediss?(?:-sentinel)?):\/\//gi;
/** `/db`, behind the place of a name. */
const SERVERS_PATH = /^()(?:\/(\d*))?$/;
const SENTINEL_PATH = /^\/([\w.-]+)(?:\/(\d*))?$/;

/** A password may contain commas, so the list begins behind its @. Other addresses may repeat the credentials. */
function splitList(list: string): { readonly credentials: string; readonly addresses: readonly string[] } {
  const isList = /@.*,/.test(list);
  const end = isList ? list.indexOf("@") : list.lastIndexOf("@");
  return {
    credentials: list.slice(0, end + 1),
    addresses: list
      .slice(end + 1)
      .split(",")
      .map((address) => address.trim()),
  };
}

function withoutCredentials(address: string, credentials: string): string {
  return credentials !== "" && address.startsWith(credentials) ? address.slice(credentials.length) : address;
}

interface Part {
  readonly host: string;
  readonly port: number | undefined;
  readonly path: string;
}

function partOf(address: string, credentials: string): Part | undefined {
  const url = `redis://${withoutCredentials(address, credentials)}`;
  if (url.includes("@") || !URL.canParse(url)) return undefined;
  const { hostname, port, pathname } = new URL(url);
  if (hostname === "") return undefined;
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return { host, port: port === "" ? undefined : Number(port), path: pathname };
}

/** Undefined when they are no UTF-8. */
function credentialsOf(text: string): Credentials | undefined {
  if (text === "") return {};
  const { username, password } = new URL(`redis://${text}host`);
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    return undefined;
  }
}

/** Further parameters would change how a client works: its database, or how often it sends a command again. */
function parametersOf(
  query: string,
  isSentinel: boolean,
): Readonly<Record<string, string | undefined>> | undefined {
  // In a password a + is itself; only forms have it for a space.
  const given = [...new URLSearchParams(query.replaceAll("+", "%2B"))];
  const isKnown = given.every(
    ([name, value]) =>
      (name === "family" && /^[046]$/.test(value)) ||
      (isSentinel && (name === "sentinelUsername" || name === "sentinelPassword")),
  );
  return isKnown ? Object.fromEntries(given) : undefined;
}

/** The names of this machine are one. */
function comparable({ host, port }: RedisAddress): string {
  return `${["127.0.0.1", "::1"].includes(host) ? "localhost" : host.toLowerCase()}:${port}`;
}
