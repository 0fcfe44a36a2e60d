import type { ReferenceRows } from "../reference/reference.ts";
import { foldPhrase } from "../signal/signal.ts";
import type { LoggedSignal } from "./logged-signal.ts";

/** What the reference says about phrases, as the router before read them: the first signal by id has a phrase. */
export interface SharedPhrases {
  /** Signal and direction of a row: its own, else those that its message stands for; else the message. */
  identityOf(row: LoggedSignal): string;
  /** Whether all of these strategies get the phrase only through a signal that is not its first. */
  areOfLaterSignals(message: string | null, strategies: readonly number[]): boolean;
  /** Whether several signals have the phrase. */
  isShared(message: string | null): boolean;
}

export function sharedPhrasesOf({
  signals,
  strategy_signals,
}: Pick<ReferenceRows, "signals" | "strategy_signals">): SharedPhrases {
  const meanings = new Map<string, { readonly signalId: number; readonly direction: "long" | "short" }[]>();
  for (const { id, enabled, long_phrase, short_phrase } of signals.toSorted((a, b) => a.id - b.id)) {
    if (!enabled) continue;
    for (const [direction, text] of [
      ["long", long_phrase],
      ["short", short_phrase],
    ] as const) {
      const phrase = foldPhrase(text ?? "");
      if (phrase === "") continue;
      meanings.set(phrase, [...(meanings.get(phrase) ?? []), { signalId: id, direction }]);
    }
  }
  const subscribed = new Set(strategy_signals.map((row) => `${row.strategy_id} ${row.signal_id}`));
  const meaningsOf = (message: string | null) => meanings.get(foldPhrase(message ?? "")) ?? [];
  return {
    identityOf({ signalId, direction, message }) {
      if (signalId !== null && direction !== null) return `${signalId} ${direction}`;
      const [first] = meaningsOf(message);
      return first === undefined
        ? JSON.stringify(foldPhrase(message ?? ""))
        : `${first.signalId} ${first.direction}`;
    },
    areOfLaterSignals(message, strategies) {
      const [first, ...later] = meaningsOf(message);
      if (first === undefined || strategies.length === 0) return false;
      return strategies.every(
        (id) =>
          !subscribed.has(`${id} ${first.signalId}`) &&
          later.some(({ signalId }) => subscribed.has(`${id} ${signalId}`)),
      );
    },
    isShared: (message) => meaningsOf(message).length > 1,
  };
}
