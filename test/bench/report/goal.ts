import type { Figure, Goal } from "../measure.ts";

/** Whether a value meets its goal. */
export function meets(value: number, goal: Goal): boolean {
  return "least" in goal ? value >= goal.least : value <= goal.most;
}

/** The goal with the result: `≥ 25,000 ✓`, or `✗` when it is missed. */
export function goalText({ value, goal }: Pick<Figure, "value" | "goal">): string {
  if (goal === undefined) return "";
  return `${boundText(goal)} ${meets(value, goal) ? "✓" : "✗"}`;
}

/** The goal alone: `≥ 25,000`. */
export function boundText(goal: Goal): string {
  return "least" in goal ? `≥ ${grouped(goal.least, 15)}` : `≤ ${grouped(goal.most, 15)}`;
}

const DIGITS_SHOWN = 3;
const DIGITS_MAX = 15;

/** The value with three significant digits; more where rounding would turn a missed goal into a met one or back. */
export function valueText({ value, goal }: Pick<Figure, "value" | "goal">): string {
  let digits = DIGITS_SHOWN;
  if (goal !== undefined) {
    const met = meets(value, goal);
    while (digits < DIGITS_MAX && meets(Number(value.toPrecision(digits)), goal) !== met) digits += 1;
  }
  return grouped(value, digits);
}

function grouped(value: number, maximumSignificantDigits: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits });
}
