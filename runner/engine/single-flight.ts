/**
 * One answer for all who ask while it is on its way and for `keptMs` after it came, so that many questions cost no more than
 * one. A failure is not kept.
 */
export function singleFlight<T>(
  ask: () => Promise<T>,
  { keptMs = 0 }: { readonly keptMs?: number } = {},
): () => Promise<T> {
  let latest: { readonly answer: Promise<T>; goodUntil: number } | undefined;
  return async () => {
    if (latest !== undefined && performance.now() < latest.goodUntil) return latest.answer;
    const asked = { answer: ask(), goodUntil: Infinity };
    latest = asked;
    try {
      const answer = await asked.answer;
      asked.goodUntil = performance.now() + keptMs;
      return answer;
    } catch (error) {
      asked.goodUntil = 0;
      throw error;
    }
  };
}
