import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Where strategies may post to: the rules for URLs and addresses, without looking names up. */

/** What an operator can do about a refused address. */
export const PRIVATE_ADDRESSES_HINT = "STRATEGY_PRIVATE_ADDRESSES=true allows it";

/** Why nothing can be posted to this URL; undefined when it is http:// or https:// without a user. Contains nothing of it. */
export function urlFault(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol))
    return "expected a URL, http:// or https://";
  if (url.username !== "" || url.password !== "") return "expected no user or password in the URL";
  return undefined;
}

/** Whether the host of a URL is an address, not a name. */
export function isAddressLiteral(hostname: string): boolean {
  return isIP(withoutBrackets(hostname)) !== 0;
}

/** Why nothing may be sent to this host; undefined for a public address, and for a name, which is to be looked up. */
export function literalFault(hostname: string): string | undefined {
  return isAddressLiteral(hostname) ? addressFault(withoutBrackets(hostname)) : undefined;
}

/** In a URL an IPv6 address is in brackets. */
function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** The only part of IPv6 from which public addresses are allocated. */
const PUBLIC_IPV6 = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * Why nothing may be sent to this IP address; undefined when it is public. Refused are private, loopback, link-local (where
 * clouds serve credentials), shared, multicast and reserved addresses, and IPv6 addresses that contain an IPv4 address.
 */
export function addressFault(address: string): string | undefined {
  const parsed = ipaddr.parse(address);
  const range = parsed.range();
  // The library names the special ranges; an IPv6 address without a name need not be public.
  const unknown = parsed instanceof ipaddr.IPv6 && !parsed.match(PUBLIC_IPV6);
  if (range === "unicast" && !unknown) return undefined;
  return `${address} is not a public address (${range === "unicast" ? "not allocated" : range})`;
}

/** Why nothing may be sent to a name with these addresses: one that is not public is enough. */
export function resolvedFault(hostname: string, addresses: readonly string[]): string | undefined {
  for (const address of addresses) {
    const fault = addressFault(address);
    if (fault !== undefined) return `${hostname} resolves to ${fault}`;
  }
  return undefined;
}
