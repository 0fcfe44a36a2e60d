import { expect } from "vitest";
import type { Resolve } from "../../../../shared/io/http-client/public-address-lookup.ts";
import type { PostRequest } from "../../../../shared/strategy.ts";

/** Requests of a strategy, and what becomes of them. */

/** This machine may be busy. */
export const SOON = { timeout: 10_000 };
export const never = new AbortController().signal;
export const SECRET = "/hooks/t0ken?key=s3cret";

export const requestTo = (url: string, changes: Partial<PostRequest> = {}): PostRequest => ({
  url,
  headers: {},
  body: "{}",
  timeoutMs: 20_000,
  abort: never,
  ...changes,
});
/** Names resolve to these addresses. */
export const resolving =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

export async function failureOf(answer: Promise<unknown>): Promise<Error> {
  return answer.then(
    (value) => expect.fail(`answered ${JSON.stringify(value)}`),
    (error: unknown) => error as Error,
  );
}
