import { processSignals, type SignalContext } from "../../functions/process-signals.ts";
import type { Entry } from "../../shared/entry.ts";
import { sharedFields, type Branch } from "../../shared/function.ts";
import { contextFrom, effectsOf } from "../builders.ts";

/** What process-signals makes of an entry. */
export const effectsFor = (entry: Entry, context: SignalContext = contextFrom()) =>
  effectsOf(processSignals([entry], context)[0]);

export const publishedIn = (branch: Branch | undefined) =>
  (branch?.append ?? []).filter(({ stream }) => stream === "signal_results").map(sharedFields);
