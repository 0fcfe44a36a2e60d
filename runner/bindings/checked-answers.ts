import type { Entry } from "../../shared/entry.ts";
import { assertAnswersEach, type Result, type Unavailable } from "../../shared/function.ts";
import type { Answer } from "../engine/binding.ts";

/** The answers of an effectful function, once it is certain that it answers each entry exactly once. */
export async function* checkedAnswers(
  entries: readonly Entry[],
  yielded: AsyncIterable<readonly Result[] | Unavailable>,
): AsyncGenerator<Answer | Unavailable> {
  const results: Result[] = [];
  for await (const answer of yielded) {
    if ("status" in answer) {
      yield answer;
      return;
    }
    results.push(...answer);
    yield { status: "answered", results: answer };
  }
  assertAnswersEach(entries, results);
}
