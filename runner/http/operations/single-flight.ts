/**
 * One answer for all who ask while it is under way and for `keptMs` after it came, so that nobody can make the asking
 * expensive. A failure is not kept.
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

/** The answer, or `otherwise` when it takes longer than `msMax`; what comes too late is dropped, a failure as well. */
export async function within<T, U>(msMax: number, answer: Promise<T>, otherwise: U): Promise<T | U> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(otherwise), msMax);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
