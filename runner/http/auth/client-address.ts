import { isIP, type BlockList } from "node:net";
import type { Context } from "hono";
import {
  convertIPv4BinaryToString,
  convertIPv4MappedIPv6ToIPv4,
  convertIPv6BinaryToString,
  convertIPv6ToBinary,
  isIPv4MappedIPv6,
} from "hono/utils/ipaddr";
import { blockListOf } from "../../../shared/config/config-values.ts";
import type { NetworkDeps } from "../http-deps.ts";

/**
 * The address a request came from: the nearest one that is not a trusted proxy, so that nothing a client itself writes into
 * the header is ever used. Undefined when the peer is unknown.
 */
export function clientAddress({ peer, forwardedFor, trustedProxies }: AddressSources): string | undefined {
  let client = parseAddress(peer ?? "");
  for (const hop of (forwardedFor ?? "").split(",").toReversed()) {
    if (client === undefined || !isAmong(trustedProxies, client)) break;
    const before = parseAddress(hop);
    // The proxy reported something that is not an address: the proxy itself is all that is known.
    if (before === undefined) break;
    client = before;
  }
  return client;
}

export interface AddressSources {
  /** Address of the other end of the connection. */
  readonly peer: string | undefined;
  /** The header X-Forwarded-For: the client, then every proxy but the last. */
  readonly forwardedFor: string | undefined;
  readonly trustedProxies: BlockList;
}

/** {@link clientAddress} of requests to the app. */
export function clientAddressOf({
  services,
  peerAddressOf,
}: NetworkDeps): (c: Context) => string | undefined {
  const trustedProxies = blockListOf(services.config.trustedProxies);
  return (c) =>
    clientAddress({
      peer: peerAddressOf(c),
      forwardedFor: c.req.header("x-forwarded-for"),
      trustedProxies,
    });
}

/** Whether one of these ranges contains the address. */
export function isAmong(ranges: BlockList, address: string): boolean {
  return ranges.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

/** What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which is what one subscriber gets. */
export function clientGroup(address: string | undefined): string {
  if (address === undefined) return "unknown";
  return isIP(address) === 6 ? `${(convertIPv6ToBinary(address) >> 64n).toString(16)}/64` : address;
}

/** An IP address in its canonical form, without port and zone; IPv4 in IPv6 (`::ffff:192.0.2.1`) as IPv4. */
export function parseAddress(text: string): string | undefined {
  const given = text.trim();
  const [, inBrackets] = /^\[(.+)\](?::\d{1,5})?$/.exec(given) ?? [];
  const [, withPort] = /^([\d.]+):\d{1,5}$/.exec(given) ?? [];
  const address = inBrackets ?? withPort ?? given;
  if (isIP(address) !== 6) return isIP(address) === 4 && inBrackets === undefined ? address : undefined;
  const binary = convertIPv6ToBinary(address.replace(/%.*$/, ""));
  return isIPv4MappedIPv6(binary)
    ? convertIPv4BinaryToString(convertIPv4MappedIPv6ToIPv4(binary))
    : convertIPv6BinaryToString(binary);
}
