import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import type { LookupFunction } from "node:net";
import { callbackify } from "node:util";
import { literalFault, PRIVATE_ADDRESSES_HINT, resolvedFault } from "../../outgoing-address.ts";
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

/** @throws PermanentError when the host is a non-public address; addresses are not looked up. */
export function assertPublicLiteral(hostname: string): void {
  const fault = literalFault(hostname);
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
    const fault = resolvedFault(
      hostname,
      addresses.map(({ address }) => address),
    );
    if (fault !== undefined) throw forbidden(fault);
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
  return new PermanentError(`${fault}; ${PRIVATE_ADDRESSES_HINT}`, "forbidden_address");
}
