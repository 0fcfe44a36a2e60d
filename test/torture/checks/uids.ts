import type { Violation } from "../evidence.ts";
import type { Facts } from "../facts.ts";

/** Signals with the same symbol, phrase and bar time, or the same given uid and kind, have the same uid; others have another. */
export function identityViolations({ entries, rows }: Facts): Violation[] {
  const found: Violation[] = [];
  const fieldsOf = new Map(entries.map(({ id, fields }) => [id, fields]));
  const uids = new Map<string, string>();
  const identities = new Map<string, string>();
  for (const { entry_id: entryId, uid, status } of rows) {
    const fields = fieldsOf.get(entryId);
    if (fields === undefined || status === "rejected" || uid === null) continue;
    const { message = "", symbol = "", bar_time = "", time = "" } = fields;
    const bar = bar_time === "" ? Number(time) * 1000 : Date.parse(bar_time);
    const key = [message.trim().toUpperCase(), symbol.trim().toUpperCase().replace(/\.P$/, ""), bar];
    const named = fields["uid"] === undefined || fields["uid"] === "" ? JSON.stringify(key) : fields["uid"];
    // By the producer's phrases; the exit of an opening that has the same uid is another signal.
    const [exit, side = "FLAT"] = /_EXIT(?:_(LONG|SHORT))?$/.exec(message.trim().toUpperCase()) ?? [];
    const identity = exit === undefined ? named : `${named}:${side.toLowerCase()}`;
    if ((uids.get(identity) ?? uid) !== uid || (identities.get(uid) ?? identity) !== identity)
      found.push({ entryId, text: `uid ${uid} for ${identity}, which had ${uids.get(identity)} before` });
    uids.set(identity, uid);
    identities.set(uid, identity);
  }
  return found;
}
