import type { Claim } from "../../shared/claim.ts";
import type { SimulatedClaims } from "../../shared/decide/simulated-claims.ts";
import type { LoadedSignal } from "./load-signals.ts";

/** The entry whose duplicate this one is, whose decision has this claim; undefined when it is none. */
export function holderAsLogged(
  { entry, logged }: Pick<LoadedSignal, "entry" | "logged">,
  claim: Claim | undefined,
  { holders, claims }: { readonly holders: ReadonlyMap<string, string>; readonly claims: SimulatedClaims },
): string | undefined {
  if (claim === undefined) return undefined;
  if (logged !== null && claimsUid(logged.decision)) return undefined;
  if (logged?.decision.status === "duplicate") return logged.decision.duplicate_of ?? "unknown";
  return claims.holderBefore(claim, entry.id, holders);
}

/** Whether the decision claims the uid of its signal: it is dispatched, or would be without SHADOW. */
export function claimsUid({ status, reason }: Decided): boolean {
  return status === "dispatched" || reason === "shadow";
}

interface Decided {
  readonly status: string;
  readonly reason: string | null;
}
