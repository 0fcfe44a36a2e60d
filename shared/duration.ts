const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** What a duration has to look like, for messages. */
export const DURATION_FORMS = "minutes, hours or days, such as 90m, 2h or 1d";

/** A duration such as 2h, in milliseconds; undefined when it is none. */
export function durationMs(text: string): number | undefined {
  const [, count, unit] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
}
