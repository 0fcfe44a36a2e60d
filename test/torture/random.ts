/** Random numbers that are the same for the same seed. */
export interface Random {
  /** A whole number from 0 to `count` - 1. */
  below(count: number): number;
  /** A whole number of milliseconds, `from` ≤ number ≤ `to`. */
  between(from: number, to: number): number;
  pick<T>(list: readonly [T, ...T[]]): T;
  shuffled<T>(list: readonly T[]): T[];
}

/** The generator mulberry32; 32 bits of state are enough for a schedule. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count: number): number => Math.floor(next() * count);
  return {
    below,
    between: (from, to) => from + below(to - from + 1),
    pick: (list) => list[below(list.length)] ?? list[0],
    shuffled(list) {
      const left = [...list];
      const dealt: typeof left = [];
      while (left.length > 0) dealt.push(...left.splice(below(left.length), 1));
      return dealt;
    },
  };
}
