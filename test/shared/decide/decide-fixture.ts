import { decide, reject } from "../../../shared/decide/decide.ts";
import type { Decision } from "../../../shared/decide/decision.ts";
import { resolveSignal } from "../../../shared/decide/resolve-symbol.ts";
import type { Fields } from "../../../shared/entry.ts";
import { parseSignal } from "../../../shared/signal/signal.ts";
import { contextFrom, entryFrom, type ContextChanges } from "../../builders.ts";

/** The decision on an entry, valid or not. */
export function decisionOn(fields: Fields, context: ContextChanges, id = entryFrom().id): Decision {
  const full = contextFrom(context);
  const parsed = parseSignal({ id, fields }, full.now);
  return parsed.status === "rejected"
    ? reject(parsed.faults)
    : decide(resolveSignal(parsed.signal, full.snapshot), full);
}
