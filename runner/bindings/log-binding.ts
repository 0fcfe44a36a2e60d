import { persistLog } from "../../functions/persist-log.ts";
import type { LogStore } from "../../shared/io/log/log-store.ts";
import type { Binding } from "../engine/binding.ts";
import { checkedAnswers } from "./checked-answers.ts";

/** `persist-log` on one of the two streams whose records it stores. */
export function logBinding(stream: "signal_results" | "system_events", log: LogStore): Binding {
  return {
    functionName: "persist-log",
    stream,
    group: "log_writer",
    run: (entries) => checkedAnswers(entries, persistLog(entries, { stream, log })),
    invalidate: () => {},
  };
}
