import { problemSchema, type ProblemBody } from "../../http/problem.ts";
import { SIGNALS_HEADER } from "../../http/replays/routes.ts";
import { replayLineSchema } from "../../http/replays/schemas.ts";
import type { RouterRoutes } from "../router-routes.ts";
import type { Progress } from "./progress.ts";
import { StrategyCounts, type ReplayedLine, type SummaryLine } from "./replay-text.ts";

/** Asks the router for a replay and reads its answer to the end, line by line. @throws CliError when it is refused */
export async function readReplay(
  router: RouterRoutes,
  body: object,
  { progress, linesMax, linesOf, onLine }: ReadOptions,
): Promise<ReadReplay> {
  const strategies = new StrategyCounts();
  const lines: string[] = [];
  let leftOut = 0;
  let summary: SummaryLine | undefined;
  let problem: ProblemBody | undefined;
  const question = {
    method: "POST",
    path: "/replays",
    body,
    headers: { accept: "application/x-ndjson" },
  } as const;
  const onHeaders = (headers: Headers): void => progress.begin(Number(headers.get(SIGNALS_HEADER)));
  try {
    for await (const line of router.lines({ ...question, onHeaders })) {
      onLine?.(line);
      const read = replayLineSchema.parse(line);
      if ("replay" in read) summary = read.replay;
      else if ("problem" in read) problem = problemSchema.parse(read.problem);
      else {
        progress.step();
        strategies.add(read);
        const shown = linesOf(read);
        if (shown.length > 0 && lines.length >= linesMax) leftOut += 1;
        else lines.push(...shown);
      }
    }
  } finally {
    progress.end();
  }
  return { strategies, lines, leftOut, summary, problem };
}

export interface ReadOptions {
  readonly progress: Progress;
  /** About as many lines are kept. */
  readonly linesMax: number;
  /** What is shown of a signal. */
  readonly linesOf: (signal: ReplayedLine) => readonly string[];
  /** Called with each line of the answer. */
  readonly onLine?: (line: unknown) => void;
}

export interface ReadReplay {
  readonly strategies: StrategyCounts;
  readonly lines: readonly string[];
  /** Signals that have something to show and are not in `lines`. */
  readonly leftOut: number;
  /** Undefined when the replay was stopped before its end by a fault. */
  readonly summary: SummaryLine | undefined;
  /** What stopped it before its end. */
  readonly problem: ProblemBody | undefined;
}
