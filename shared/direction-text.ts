import type { Direction, Side } from "./reference/reference.ts";

/** A direction for people: `long`, `short`, and for exits `exit`, or `exit long` where only that side is closed. */
export function directionText(direction: Direction, side: Side | null | undefined): string {
  if (direction !== "flat") return direction;
  return side == null ? "exit" : `exit ${side}`;
}
