import type { StoredDeadLetter } from "../../../shared/dead-letter.ts";
import type { Fields } from "../../../shared/entry.ts";
import { cutText } from "../../../shared/text.ts";
import type { DeadLetterView } from "./schemas.ts";

/** A dead letter as it is sent, or the raw fields of an entry that is not one. */
export function deadLetterView(stored: StoredDeadLetter): DeadLetterView {
  if (!stored.ok) return { id: stored.id, fault: stored.fault, raw: stored.raw };
  const { id, entry, functionName, ...rest } = stored.letter;
  return { id, ...rest, function: functionName, entry_id: entry.id, fields: entry.fields };
}

/** The same with each long text cut, because a page of them could be large. */
export function shortDeadLetterView(stored: StoredDeadLetter, bytesMax: number): DeadLetterView {
  const view = deadLetterView(stored);
  return "raw" in view
    ? { ...view, fault: cutText(view.fault, bytesMax), raw: cutFields(view.raw, bytesMax) }
    : { ...view, error: cutText(view.error, bytesMax), fields: cutFields(view.fields, bytesMax) };
}

function cutFields(fields: Fields, bytesMax: number): Record<string, string> {
  const cut = Object.entries(fields).map(([name, value]) => [
    cutText(name, bytesMax),
    cutText(value, bytesMax),
  ]);
  return Object.fromEntries(cut) as Record<string, string>;
}
