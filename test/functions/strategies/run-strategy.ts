import { processSignals } from "../../../functions/process-signals.ts";
import { runHandler, type Attempt } from "../../../functions/strategies/run-handler.ts";
import { strategySecrets } from "../../../shared/config/secrets.ts";
import type { AnyStrategyHandler, PostAnswer, PostRequest } from "../../../shared/strategy.ts";
import { parseTask, type Task } from "../../../shared/task.ts";
import {
  contextFrom,
  effectsOf,
  entryFrom,
  rowsWithStrategies,
  signalFields,
  signalRow,
  snapshotFrom,
  strategyRow,
  tasksIn,
} from "../../builders.ts";

export interface RunOptions {
  readonly params?: Record<string, unknown>;
  /** Fields of the signal that differ from the usual ones. */
  readonly signal?: Readonly<Record<string, string | undefined>>;
  readonly attempt?: number;
  /** Variables STRATEGY_SECRET_<NAME>. */
  readonly env?: Readonly<Record<string, string>>;
  readonly post?: (request: PostRequest) => Promise<PostAnswer>;
}

/** One run of strategy 7, `Trend follower`, on a task that came out of process-signals. */
export interface Ran {
  readonly attempt: Attempt;
  readonly task: Task;
  /** The task as it stands in `strategy_input_stream`. */
  readonly taskFields: Readonly<Record<string, string>>;
}

/** Exits of the signal whose phrases open by `SIGNAL_1_LONG` and `SIGNAL_1_SHORT`. */
const EXIT_PHRASES = { exit_phrase: "SIGNAL_1_EXIT", long_exit_phrase: "SIGNAL_1_EXIT_LONG" };

/** Routes a signal to a strategy with this handler and runs it as the executor does. */
export async function runStrategy(
  handler: AnyStrategyHandler,
  { params = {}, signal = {}, attempt = 1, env = {}, post }: RunOptions = {},
): Promise<Ran> {
  const row = strategyRow(7, { name: "Trend follower", handler: handler.name, params, exits: true });
  const rows = rowsWithStrategies([row], { signals: [signalRow(1, EXIT_PHRASES)] });
  const [result] = processSignals([entryFrom(signalFields(signal))], contextFrom({ rows }));
  const [taskFields = {}] = tasksIn(effectsOf(result));
  const parsed = parseTask({ id: "2-0", fields: taskFields });
  const strategy = snapshotFrom(rows).strategies.get(7);
  if (!parsed.ok || strategy === undefined) throw new Error("the signal has not become a task");
  const secrets = strategySecrets(env);
  const ran = await runHandler(parsed.task, strategy, {
    attempt,
    handlers: [handler],
    ports: {
      post: post ?? (async () => Promise.reject(new Error("nothing is to be posted"))),
      secretOf: (name) => secrets.valueOf(name),
      redact: (text) => secrets.redact(text),
      log: () => undefined,
      timeoutMs: 5_000,
      connectionMsMax: 5_000,
      abort: new AbortController().signal,
    },
  });
  return { attempt: ran, task: parsed.task, taskFields };
}
