import { z } from "zod";
import { msText } from "../../../shared/reason-text.ts";
import { printable, printableJson } from "../../../shared/text.ts";
import { invocationSchema, invocationsSchema } from "../../http/operations/invocation-schemas.ts";
import type { CommandIo } from "../command-io.ts";
import { notedTable } from "./noted-table.ts";
import { currentTime, shortTime } from "./times.ts";

/** `cli invocations` and `cli invocations show`: the runs on demand. */

type Invocation = z.infer<typeof invocationSchema>;

export interface InvocationsOptions {
  readonly kind?: string;
  readonly by?: string;
  readonly limit: number;
  readonly after?: string;
  readonly json: boolean;
}

export async function printInvocations(options: InvocationsOptions, io: CommandIo): Promise<void> {
  const { kind, by, limit, after: cursor, json } = options;
  const query = { kind, by, limit, cursor };
  const found = await io.withRouter(async (router) =>
    router.ask({ path: "/invocations", query, answer: invocationsSchema }),
  );
  io.print(json ? printableJson(found) : invocationsText(found, { ...io, now: currentTime() }));
}

export function invocationsText(
  { invocations, next_cursor }: z.infer<typeof invocationsSchema>,
  { now, columns }: Pick<CommandIo, "columns"> & { readonly now: Date },
): string {
  if (invocations.length === 0) return "no run on demand found";
  const rows = invocations.map((one) => ({
    cells: [
      shortTime(one.started_at, now),
      one.mode === null ? one.kind : `${one.kind} ${one.mode}`,
      one.requested_by ?? "",
      one.id,
    ],
    note: [endText(one, now), ...(one.reason === null ? [] : [one.reason])].join(" · "),
  }));
  const head = { head: ["began, UTC", "kind", "by", "run"], noteHead: "what it came to" };
  const more = next_cursor === null ? [] : ["", `older ones: the same with --after ${next_cursor}`];
  return [notedTable(head, rows, { columns }), ...more].join("\n");
}

export async function printInvocation(
  id: string,
  { json }: { readonly json: boolean },
  io: CommandIo,
): Promise<void> {
  const path = `/invocations/${encodeURIComponent(id)}`;
  const found = await io.withRouter(async (router) => router.ask({ path, answer: invocationSchema }));
  io.print(json ? printableJson(found) : invocationText(found, currentTime()));
}

export function invocationText(one: Invocation, now: Date): string {
  const facts: [string, string | null][] = [
    ["kind", one.mode === null ? one.kind : `${one.kind} ${one.mode}`],
    ["by", one.requested_by],
    ["reason", one.reason],
    ["began", `${shortTime(one.started_at, now)} UTC`],
    ["ended", endText(one, now)],
    ["snapshot", one.snapshot],
    ["selection", JSON.stringify(one.selection)],
  ];
  return [
    one.id,
    ...facts.flatMap(([name, value]) => (value === null ? [] : [`  ${name.padEnd(12)}${printable(value)}`])),
    "",
    whereText(one),
  ]
    .map(printable)
    .join("\n");
}

/** Where to see what it has done. A retry runs a task of another invocation, mostly `live`. */
function whereText({ kind, id, selection }: Invocation): string {
  const { entry_id: entry } = selection;
  if (kind === "retry" && typeof entry === "string") return `Its run: executions show ${entry}`;
  return `Its signals: GET /signals?invocation=${encodeURIComponent(id)}`;
}

/** Whether it has finished, and how many entries came to what. */
function endText({ started_at, finished_at, counts }: Invocation, now: Date): string {
  if (finished_at === null) {
    const ago = msText(Math.max(0, now.getTime() - Date.parse(started_at)));
    return `no end for ${ago}: still at work, or broken off`;
  }
  const took = msText(Date.parse(finished_at) - Date.parse(started_at));
  const parts = Object.entries(counts ?? {}).filter(([, count]) => count > 0);
  const text = parts.map(([what, count]) => `${what} ${count}`).join(", ");
  return `${text === "" ? "nothing to do" : text}, in ${took}`;
}
