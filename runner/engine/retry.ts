import pRetry, { type Options } from "p-retry";

/** Options for what is attempted until it works, with pauses that grow to 2 s. */
export const FOR_EVER = {
  retries: Number.POSITIVE_INFINITY,
  minTimeout: 50,
  maxTimeout: 2_000,
  randomize: true,
} as const;

/**
 * p-retry for what nearly always works at once: the first attempt goes without its machinery, which took 27 µs, as long as deciding
 * a signal. Only when it fails does p-retry take it as its own first attempt. What the first attempt gives is given, whether or not
 * the signal has been aborted meanwhile.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  options: Options & { readonly signal: AbortSignal },
): Promise<T> {
  const { signal, ...withoutSignal } = options;
  signal.throwIfAborted();
  const first = attempt();
  try {
    return await first;
  } catch (error) {
    if (signal.aborted) {
      if (error === signal.reason) throw error;
      // With the signal p-retry would not see this failure, and it would not be reported.
      return pRetry(async () => first, { ...withoutSignal, retries: 0 });
    }
    let attempts = 0;
    return pRetry(async () => {
      attempts += 1;
      return attempts === 1 ? first : attempt();
    }, options);
  }
}
