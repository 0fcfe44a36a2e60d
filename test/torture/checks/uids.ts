import type { Violation } from "../evidence.ts";
import type { Facts } from "../facts.ts";
import { claimsOf } from "../spellings.ts";

/** Signals with the same ticker, phrase and bar time, or the same given uid and kind, have the same uid; others have another. */
export function identityViolations({ entries, rows }: Facts): Violation[] {
  const found: Violation[] = [];
  const fieldsOf = new Map(entries.map(({ id, fields }) => [id, fields]));
  const uids = new Map<string, string>();
  const identities = new Map<string, string>();
  for (const row of rows) {
    const { entry_id: entryId, uid, status } = row;
    const fields = fieldsOf.get(entryId);
    if (fields === undefined || status === "rejected" || uid === null) continue;
    const [identity = ""] = claimsOf({ fields }, row);
    if ((uids.get(identity) ?? uid) !== uid || (identities.get(uid) ?? identity) !== identity)
      found.push({ entryId, text: `uid ${uid} for ${identity}, which had ${uids.get(identity)} before` });
    uids.set(identity, uid);
    identities.set(uid, identity);
  }
  return found;
}
