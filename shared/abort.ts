import { setMaxListeners } from "node:events";

/**
 * Calls the listener when the signal aborts, or at once when it already has. Returns a function that takes the listener off.
 * Not AbortSignal.any, which in Node 20 leaves something in the memory of a signal that lives as long as the process.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  withManyListeners(signal).addEventListener("abort", listener, { once: true });
  if (signal.aborted) listener();
  return () => signal.removeEventListener("abort", listener);
}

/** The signal, for which Node does not warn from eleven listeners on: everything in flight listens to the signal of a stop. */
export function withManyListeners(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}

/** Aborts with the first of the two; to be told when it is no longer needed, since both may live as long as the process. */
export function either(
  one: AbortSignal,
  other: AbortSignal,
): { readonly signal: AbortSignal; stopListening(): void } {
  const first = new AbortController();
  const listeners = [one, other].map((signal) => onAbort(signal, () => first.abort()));
  return {
    signal: withManyListeners(first.signal),
    stopListening: () => listeners.forEach((stop) => stop()),
  };
}
