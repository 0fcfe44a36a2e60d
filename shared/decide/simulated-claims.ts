import { holderOfClaim, uidsOf, type Claim } from "../claim.ts";

/** Who would win each claim if entries were committed one after the other, for runs that claim nothing. */
export class SimulatedClaims {
  readonly #claimed = new Map<string, string>();

  /**
   * The entry that has one of the uids before this one: the first that claimed it here, else the one Redis names in `holders`.
   * Undefined when this entry would win, or has one already.
   */
  holderBefore(claim: Claim, entryId: string, holders: ReadonlyMap<string, string>): string | undefined {
    const holder = holderOfClaim(claim, entryId, (uid) => this.#claimed.get(uid) ?? holders.get(uid));
    return holder === entryId ? undefined : holder;
  }

  /** Takes the uids for this entry, but for those that an earlier one has. */
  claim(claim: Claim, entryId: string): void {
    for (const uid of uidsOf(claim)) if (!this.#claimed.has(uid)) this.#claimed.set(uid, entryId);
  }
}
