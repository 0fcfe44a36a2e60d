/** The uids that a signal claims: its own and, where that differs, the one under the spelling of its symbol. */
export interface Claim {
  readonly uid: string;
  /** Claimed with `uid`, both or none; the same as `uid` or absent: there is one only. */
  readonly also?: string | undefined;
}

export function uidsOf({ uid, also }: Claim): readonly string[] {
  return also === undefined || also === uid ? [uid] : [uid, also];
}

/**
 * The entry that has the claim before this one, by the rule of the commit script: this entry itself when it holds one of the uids,
 * since then it was committed before; else the other entry that holds one; undefined when both are free.
 */
export function holderOfClaim(
  claim: Claim,
  entryId: string,
  holderOf: (uid: string) => string | undefined,
): string | undefined {
  const holders = uidsOf(claim).flatMap((uid) => holderOf(uid) ?? []);
  return holders.includes(entryId) ? entryId : holders[0];
}

/** Whether this entry holds one of the uids, so that its commit would do nothing. */
export function isHeldBy(entryId: string, claim: Claim, holders: ReadonlyMap<string, string>): boolean {
  return holderOfClaim(claim, entryId, (uid) => holders.get(uid)) === entryId;
}
