import { processSignals } from "../../functions/process-signals.ts";
import type { Fields } from "../../shared/entry.ts";
import { extraOf, parseExtra, type Extra } from "../../shared/signal/extra.ts";
import { contextFrom, effectsOf, recordIn, tasksIn } from "../builders.ts";
import { CORPUS_NOW, corpusReference } from "./corpus-reference.ts";

/** What an entry that a webhook added is decided to be, in the words of the corpus' rows. */
export function outcomeOf(fields: Fields): CorpusOutcome {
  const context = contextFrom({ rows: corpusReference, now: CORPUS_NOW });
  const [result] = processSignals([{ id: `${CORPUS_NOW - 1_000}-0`, fields }], context);
  const effects = effectsOf(result);
  const record = recordIn(effects);
  const tasks = tasksIn(effects);
  const { claim } = effects;
  return {
    decision: textOf(record.status, record.reason),
    symbol: record.symbol,
    direction: record.direction,
    side: record.side ?? null,
    tasks: tasks.map(({ strategy = "" }) => strategy),
    extra: extraIn(tasks, fields),
    ignored: ignoredIn(record.outcomes),
    fields,
    detail: record.detail,
    uid: record.uid,
    uids: claim === undefined ? [] : [claim.uid, ...(claim.also === undefined ? [] : [claim.also])],
  };
}

export interface CorpusOutcome {
  readonly decision: string;
  readonly symbol: string | null;
  readonly direction: string | null;
  readonly side: string | null;
  readonly tasks: readonly string[];
  readonly extra: Extra;
  readonly ignored: Readonly<Record<string, string>>;
  readonly fields: Fields;
  readonly detail: object;
  readonly uid: string | null;
  /** All that it claims. */
  readonly uids: readonly string[];
}

function textOf(status: string, reason: string | null): string {
  return reason === null ? status : `${status}: ${reason}`;
}

/** As the tasks have it, or as they would. */
function extraIn(tasks: readonly Fields[], fields: Fields): Extra {
  const [task] = tasks;
  const json = task === undefined ? extraOf(fields).json : (task["extra"] ?? null);
  return json === null ? {} : (parseExtra(json) ?? {});
}

function ignoredIn(outcomes: ReturnType<typeof recordIn>["outcomes"]): Record<string, string> {
  const ignored = outcomes.filter(({ status }) => status === "ignored");
  return Object.fromEntries(ignored.map(({ strategy, reason }) => [strategy, reason ?? ""]));
}
