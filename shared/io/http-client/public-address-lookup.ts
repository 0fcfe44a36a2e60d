import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { callbackify } from "node:util";
import ipaddr from "ipaddr.js";
import { PermanentError } from "../../strategy.ts";

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface GuardedLookupOptions {
  /** True: every address will do. */
  readonly privateAddresses: boolean;
  readonly resolve: Resolve;
}

/** As the system does it, `/etc/hosts` included. */
export const systemResolve: Resolve = async (hostname) => lookup(hostname, { all: true });

/** The only part of IPv6 that public addresses are given out from. */
const PUBLIC_IPV6 = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * Why nothing may be sent to this IP address; undefined when it is one of the public internet's. Everything else is refused:
 * private, loopback, link-local (where clouds keep credentials), shared, multicast, reserved, and IPv6 addresses that wrap an
 * IPv4 one.
 */
export function addressFault(address: string): string | undefined {
  const parsed = ipaddr.parse(address);
  const range = parsed.range();
  // The library knows the special ranges by name; in IPv6 what it has no name for need not be a public one.
  const unknown = parsed instanceof ipaddr.IPv6 && !parsed.match(PUBLIC_IPV6);
  if (range === "unicast" && !unknown) return undefined;
  return `${address} is not a public address (${range === "unicast" ? "not allocated" : range})`;
}

/** @throws PermanentError when the host is an address that is not public; no lookup is made for those. */
export function assertPublicLiteral(hostname: string): void {
  if (isIP(hostname) === 0) return;
  const fault = addressFault(hostname);
  if (fault !== undefined) throw forbidden(fault);
}

/**
 * A lookup for the very connection that is made: the addresses it has looked at are the ones connected to, so that a name which
 * resolves to something else a moment later gains nothing. A name one of whose addresses is refused is refused.
 */
export function guardedLookup({ privateAddresses, resolve }: GuardedLookupOptions): LookupFunction {
  const asked = new Map<string, Promise<LookupAddress[]>>();

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

  /** Each question once at a time: the system answers only four at once, and a name that gets no answer holds one up. */
  async function ask(hostname: string): Promise<LookupAddress[]> {
    const answer = asked.get(hostname) ?? addressesOf(hostname).finally(() => asked.delete(hostname));
    asked.set(hostname, answer);
    return answer;
  }

  const answer = callbackify(ask);
  return (hostname, { all }, callback) => {
    answer(hostname, (error, addresses) => {
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
