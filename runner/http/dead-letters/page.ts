import type { StoredDeadLetter } from "../../../shared/dead-letter.ts";
import { canonicalEntryId } from "../../../shared/entry-range.ts";
import type { DeadLetters } from "../../../shared/io/streams/dead-letters.ts";

/** A page of the dead letters, and where the next one goes on. */
export async function deadLetterPage(
  letters: DeadLetters,
  { countMax, newestFirst, after }: PageOptions,
): Promise<DeadLetterPage> {
  // Redis answers with an error when asked for what comes after the last possible id.
  const end = newestFirst ? LOWEST_ID : HIGHEST_ID;
  if (after !== undefined && canonicalEntryId(after) === end) return { page: [], next: undefined };
  const start = after === undefined ? {} : { after };
  const found = await letters.page({ countMax: countMax + 1, newestFirst, ...start });
  const page = found.slice(0, countMax);
  return { page, next: found.length > countMax ? page.at(-1)?.id : undefined };
}

const LOWEST_ID = "0-0";
const HIGHEST_ID = "18446744073709551615-18446744073709551615";

export interface PageOptions {
  readonly countMax: number;
  readonly newestFirst: boolean;
  /** Last id of the previous page. */
  readonly after: string | undefined;
}

export interface DeadLetterPage {
  readonly page: readonly StoredDeadLetter[];
  /** Last id of this page, when there are more. */
  readonly next: string | undefined;
}
