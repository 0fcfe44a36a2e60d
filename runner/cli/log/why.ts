import type { z } from "@hono/zod-openapi";
import { strategyLabel } from "../../../shared/strategy-label.ts";
import { printable, printableJson } from "../../../shared/text.ts";
import { shownStrategySchema, type StrategyView } from "../../http/operations/strategy-schemas.ts";
import { foundSignalsSchema } from "../../http/signals/entry-schemas.ts";
import type { CommandIo } from "../command-io.ts";
import type { RouterRoutes } from "../router-routes.ts";
import { notedTable } from "./noted-table.ts";
import { outcomeText } from "./outcome-text.ts";
import { strategyWarnings } from "./strategies.ts";
import { currentTime, shortTime } from "./times.ts";

/** `cli why <strategy>`: what became of its last signals, and why. */

export interface WhyOptions {
  readonly last: number;
  readonly symbol?: string;
  readonly status?: string;
  readonly reason?: string;
  /** Milliseconds. */
  readonly since?: number;
  readonly after?: string;
  readonly json: boolean;
}

export async function printWhy(typed: string, options: WhyOptions, io: CommandIo): Promise<void> {
  const { last: limit, symbol, status, reason, since, after: cursor, json } = options;
  const from = since === undefined ? undefined : new Date(currentTime().getTime() - since).toISOString();
  const [strategy, found] = await io.withRouter(async (router) => {
    const query = { strategy: typed, limit, symbol, status, reason, from, cursor };
    const signals = await router.ask({ path: "/signals", query, answer: foundSignalsSchema });
    return [await shownStrategy(router, typed), signals] as const;
  });
  if (json) {
    io.print(printableJson({ strategy: strategy ?? null, ...found }));
    return;
  }
  io.print(whyText({ typed, strategy, found, now: currentTime() }, io));
}

/** Undefined for the id of one that is no longer in the reference, and where there is none. */
async function shownStrategy(router: RouterRoutes, typed: string): Promise<StrategyView | undefined> {
  const response = await router.fetch({ path: `/strategies/${encodeURIComponent(typed)}` });
  if (!response.ok) return undefined;
  return shownStrategySchema.parse(await response.json()).strategy;
}

export interface WhyFindings {
  readonly typed: string;
  readonly strategy: StrategyView | undefined;
  readonly found: z.infer<typeof foundSignalsSchema>;
  readonly now: Date;
}

export function whyText(
  { typed, strategy, found, now }: WhyFindings,
  { columns }: Pick<CommandIo, "columns">,
): string {
  const { signals, next_cursor } = found;
  const head =
    strategy === undefined
      ? [`strategy ${printable(typed)}: not in the current reference`]
      : [
          `${strategyLabel(strategy.id, strategy.name)}: ${strategy.state.replaceAll("_", " ")}`,
          ...strategyWarnings(strategy),
        ];
  if (signals.length === 0) return [...head, "", "no signal found for it"].join("\n");
  const rows = signals.map((signal) => {
    const { decided_at, entry_id, symbol, message, outcome, invocation } = signal;
    // What stopped the whole signal is in its own detail, not in that of each strategy.
    const routed = outcome && { ...outcome, detail: { symbol, ...outcome.detail } };
    const text = routed === undefined ? signal.status : outcomeText(routed, routed.run, routed.attempts);
    const of = signal.duplicate_of === null ? "" : `, as ${signal.duplicate_of}`;
    const by = invocation === "live" ? "" : ` · run ${invocation}`;
    return {
      cells: [shortTime(decided_at, now), symbol ?? "", message ?? "", entry_id],
      note: text + of + by,
    };
  });
  const table = notedTable(
    { head: ["time, UTC", "symbol", "signal", "entry"], noteHead: "what became of it" },
    rows,
    { columns },
  );
  const more = next_cursor === null ? [] : ["", `older ones: the same with --after ${next_cursor}`];
  return [...head, "", table, ...more].join("\n");
}
