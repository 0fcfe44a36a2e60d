import {
  isAddressLiteral,
  literalFault,
  PRIVATE_ADDRESSES_HINT,
  urlFault,
} from "../../shared/outgoing-address.ts";
import { excerpt, printable } from "../../shared/text.ts";
import type { Stop } from "../task-stops.ts";
import type { AddressHiding } from "./hidden-addresses.ts";

/** What is known before a post is made that would make it fail. */

/** Why the post would be refused; an address in the params is checked with the params. */
export function targetStops(
  url: string,
  { hosts }: AddressHiding,
  { privateAddresses }: { readonly privateAddresses: boolean },
): Stop[] {
  const fault = urlFault(url);
  if (fault !== undefined) return [{ reason: "invalid_url", text: `the URL of its post: ${fault}` }];
  const { hostname } = new URL(url);
  const refused = privateAddresses || hosts.has(hostname) ? undefined : literalFault(hostname);
  if (refused === undefined) return [];
  return [{ reason: "forbidden_address", text: `${refused}; ${PRIVATE_ADDRESSES_HINT}` }];
}

/** Why no request can be made with these headers, which HTTP does not know how to write. */
export function headerStops(
  headers: Readonly<Record<string, string>>,
  clean: (text: string) => string,
): Stop[] {
  const odd = Object.entries(headers).find(
    ([name, value]) =>
      !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value),
  );
  if (odd === undefined) return [];
  const name = printable(excerpt(clean(odd[0])));
  return [
    { reason: "error", text: `the header ${name} of its post has a character that no header may have` },
  ];
}

/** The host name of the URL, when it has to be looked up. */
export function hostToLookUp(url: string): string | undefined {
  if (urlFault(url) !== undefined) return undefined;
  const { hostname } = new URL(url);
  return isAddressLiteral(hostname) ? undefined : hostname;
}
