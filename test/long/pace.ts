/**
 * How much is tested: `quick` are all files but those named `*.long.test.ts`, `full` are the long ones, and `short` is one
 * short case of each of them.
 */
export const PACES = ["quick", "short", "full"] as const;
export type Pace = (typeof PACES)[number];

/** Names the pace to vitest and to the long files; unset: quick. */
export const PACE_VARIABLE = "TEST_PACE";

/** @throws Error when the variable holds something else */
export function currentPace(): Pace {
  const given = process.env[PACE_VARIABLE] ?? "quick";
  const pace = PACES.find((each) => each === given);
  if (pace === undefined) throw new Error(`${PACE_VARIABLE} is "${given}": expected ${PACES.join(", ")}`);
  return pace;
}

/** What a long file does at the current pace. */
export function byPace<Case>({ short, full }: { readonly short: Case; readonly full: Case }): Case {
  return currentPace() === "full" ? full : short;
}
