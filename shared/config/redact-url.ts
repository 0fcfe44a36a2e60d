import { redactRedisUrl } from "./redis-url.ts";

/**
 * The URL without what could be a secret: user, password, query, fragment, and for http(s) also the path, where chat services
 * have their token. Behind an @ outside of its place, anything may be part of a password.
 */
export function redactUrl(value: string): string {
  const redis = redactRedisUrl(value);
  if (redis !== undefined) return redis;
  if (!URL.canParse(value)) return "(not a URL)";
  const { protocol, host, pathname, search, hash, username, password } = new URL(value);
  if (`${pathname}${search}${hash}`.includes("@")) return `${protocol}//***`;
  const user = username !== "" || password !== "" ? "***@" : "";
  const path = protocol.startsWith("http") && pathname !== "/" ? "/***" : pathname;
  return `${protocol}//${user}${host}${path}`;
}
