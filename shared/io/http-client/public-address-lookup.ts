import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { callbackify } from "node:util";
import ipaddr from "ipaddr.js";
import { PermanentError } from "../../strategy.ts";

/** Keeps outgoing connections away from addresses that are not public. */

/** Gives all addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface GuardedLookupOptions {
  /** True: every address is allowed. */
  readonly privateAddresses: boolean;
  readonly resolve: Resolve;
}

/** The system's resolver, which also reads `/etc/hosts`. */
export const systemResolve: Resolve = async (hostname) => lookup(hostname, { all: true });

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

/** @throws PermanentError when the host is a non-public address; addresses are not looked up. */
export function assertPublicLiteral(hostname: string): void {
  if (isIP(hostname) === 0) return;
  const fault = addressFault(hostname);
  if (fault !== undefined) throw forbidden(fault);
}

/**
 * A lookup used by the connection itself, so that the addresses checked are those connected to, even if the name resolves to
 * others a moment later. A name is refused when one of its addresses is.
 */
export function guardedLookup({ privateAddresses, resolve }: GuardedLookupOptions): LookupFunction {
  const lookups = new Map<string, Promise<LookupAddress[]>>();

  async function addressesOf(hostname: string): Promise<LookupAddress[]> {
    const addresses = [...(await resolve(hostname))];
    if (addresses.length === 0) throw Object.assign(new Error("no address"), { code: "ENOTFOUND" });
    if (privateAddresses) return addresses;
    for (const { address } of addresses) {
      const fault = addressFault(address);
      if (fault !== undefined) throw forbidden(`${hostname} resolves to ${fault}`);
    }
    return addresses;
  }

  /** One lookup per name at a time: the system makes four at once, and a name without an answer blocks one of them. */
  async function lookUp(hostname: string): Promise<LookupAddress[]> {
    const found = lookups.get(hostname) ?? addressesOf(hostname).finally(() => lookups.delete(hostname));
    lookups.set(hostname, found);
    return found;
  }

  const lookUpThen = callbackify(lookUp);
  return (hostname, { all }, callback) => {
    lookUpThen(hostname, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null) callback(error, "");
      else if (all === true) callback(null, addresses);
      else callback(null, first?.address ?? "", first?.family);
    });
  };
}

function forbidden(fault: string): PermanentError {
  return new PermanentError(`${fault}; STRATEGY_PRIVATE_ADDRESSES=true allows it`, "forbidden_address");
}
