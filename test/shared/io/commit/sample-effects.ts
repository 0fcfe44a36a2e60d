import { HOLDER, type Append, type Effects } from "../../../../shared/function.ts";

/** A record with this text. */
export function result(text: string): Append {
  return { stream: "signal_results", fields: { data: text } };
}

/** Two tasks and a record if the uid is won, a record that names the holder if not. */
export function dispatch(uid: string, text = uid, also?: string): Effects {
  const tasks: Append = {
    stream: "strategy_input_stream",
    each: [{ strategy_id: "1" }, { strategy_id: "2" }],
    fields: { uid, text },
  };
  return {
    append: [tasks, result(text)],
    count: ["signals:dispatched"],
    claim: { uid, also, ifLost: { append: [result(`${text} of ${HOLDER}`)], count: ["signals:duplicate"] } },
  };
}

export function record(text: string): Effects {
  return { append: [result(text)], count: ["signals:ignored"] };
}
