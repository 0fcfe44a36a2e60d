import { setTimeout as delay } from "node:timers/promises";
import { resolvedFault } from "../../outgoing-address.ts";
import { systemResolve, type Resolve } from "./public-address-lookup.ts";

/** Whether a strategy may post to a host name: `undecided` when it cannot be looked up now. */
export type HostVerdict =
  | { readonly status: "public" }
  | { readonly status: "refused"; readonly fault: string }
  | { readonly status: "undecided"; readonly why: string };

/** Longest look-up, in ms. */
const LOOK_UP_MS_MAX = 5_000;

/** Looks a host name up, by the rule that a POST follows. Never rejects. */
export async function hostVerdict(
  hostname: string,
  { resolve = systemResolve, msMax = LOOK_UP_MS_MAX }: { resolve?: Resolve; msMax?: number } = {},
): Promise<HostVerdict> {
  const tooLate = new AbortController();
  const late = delay(msMax, undefined, { signal: tooLate.signal });
  try {
    const found = await Promise.race([resolve(hostname), late]);
    if (found === undefined) return { status: "undecided", why: `no answer within ${msMax} ms` };
    if (found.length === 0) return { status: "undecided", why: "it has no address" };
    const fault = resolvedFault(
      hostname,
      found.map(({ address }) => address),
    );
    return fault === undefined ? { status: "public" } : { status: "refused", fault };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    return { status: "undecided", why: code === "ENOTFOUND" ? "no such host" : code };
  } finally {
    tooLate.abort();
    late.catch(() => undefined);
  }
}
