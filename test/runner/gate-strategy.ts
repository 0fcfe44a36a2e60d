import * as z from "zod";
import { defineStrategy } from "../../shared/strategy.ts";

/** A strategy whose runs wait at a gate. */
export type Gate = ReturnType<typeof gateStrategy>;

export function gateStrategy() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let begun = 0;
  return {
    open: () => open(),
    /** Runs that have begun. */
    get begun() {
      return begun;
    },
    handler: defineStrategy({
      name: "gated",
      params: z.object({}),
      async run() {
        begun += 1;
        await opened;
        return { status: "executed" };
      },
    }),
  };
}
