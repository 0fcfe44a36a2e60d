import type { Entry } from "../../shared/entry.ts";
import { NO_EFFECTS, type Result } from "../../shared/function.ts";
import type { Binding } from "../engine/binding.ts";
import type { ConsumerSession } from "./consumer-session.ts";

type Why = Omit<Extract<Result, { status: "dead" }>, "id" | "status">;

/** Commits entries as dead letters, or only acknowledges them where that is enough, as the results of a function. */
export async function sendToDeadLetters(
  session: ConsumerSession,
  letters: readonly { readonly entry: Entry; readonly why: Why }[],
): Promise<void> {
  const { binding } = session;
  const resultOf = new Map(
    letters.map(({ entry: { id }, why }): [string, Result] => [
      id,
      binding.bestEffort === true
        ? { id, status: "done", effects: NO_EFFECTS }
        : { id, status: "dead", ...why },
    ]),
  );
  const { sideEffectMsMax: _, ...rest } = binding;
  const deadLetterBinding: Binding = {
    ...rest,
    async *run(entries) {
      const results = entries.flatMap(({ id }) => resultOf.get(id) ?? []);
      yield { status: "answered", results };
    },
  };
  const entries = letters.map(({ entry }) => entry);
  const deliveries = Math.max(...letters.map(({ why }) => why.deliveries ?? 1));
  await session.process(entries, { deliveries }, deadLetterBinding);
}
