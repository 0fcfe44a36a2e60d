import { grouped, type Violation } from "../evidence.ts";
import type { Facts } from "../facts.ts";
import { isLostEntry } from "../lost-entries.ts";

/** Reasons for a dispatched task not to run: something changed after the dispatch. */
const NOT_RUN =
  /^(?:unknown_strategy|strategy_disabled|strategy_archived|shadow|exits_not_taken|stale|paused)$/;

/** Each task has one outcome of execution, published and logged, and there are no outcomes without a task. */
export function executionViolations({ tasks, executions, outcomes, deadLetters }: Facts): Violation[] {
  const found: Violation[] = [];
  const published = grouped(executions, ({ fields }) => {
    const { strategy_id } = JSON.parse(fields["data"] ?? "{}") as { strategy_id?: number };
    return `${fields["entry_id"]} ${strategy_id}`;
  });
  const logged = grouped(
    outcomes.filter(({ stage }) => stage === "execution"),
    ({ entry_id, strategy_id }) => `${entry_id} ${strategy_id}`,
  );
  const dispatched = new Set(tasks.map(({ fields }) => `${fields["entry_id"]} ${fields["strategy_id"]}`));
  const lost = new Set(
    deadLetters.filter(isLostEntry).map(({ fields }) => {
      const { entry_id, strategy_id } = JSON.parse(fields["fields"] ?? "{}") as Record<string, string>;
      return `${entry_id} ${strategy_id}`;
    }),
  );
  for (const name of new Set([...dispatched, ...published.keys(), ...logged.keys()])) {
    const [entryId = ""] = name.split(" ");
    const ends = published.get(name)?.length ?? 0;
    const rows = logged.get(name) ?? [];
    if (!dispatched.has(name))
      found.push({ entryId, text: `an outcome of execution without a task: ${name}` });
    else if (ends !== 1 || rows.length !== 1)
      found.push({ entryId, text: `task ${name} has ${ends} outcomes and ${rows.length} rows` });
    for (const { status, reason } of rows) {
      const wasLost = lost.has(name) && status === "failed" && reason === "entry_lost";
      const fits =
        status === "executed" ? reason === null : status === "ignored" && NOT_RUN.test(reason ?? "");
      if (!wasLost && !fits) found.push({ entryId, text: `task ${name} ended ${status}: ${reason}` });
    }
  }
  return found;
}
