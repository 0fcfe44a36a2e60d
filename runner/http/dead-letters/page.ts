import type { StoredDeadLetter } from "../../../shared/dead-letter.ts";
import { canonicalEntryId } from "../../../shared/entry-range.ts";
import type { DeadLetters } from "../../../shared/io/streams/dead-letters.ts";

export interface DeadLetterPage {
  readonly page: readonly StoredDeadLetter[];
  /** The last one of the page, when there are more. */
  readonly next: string | undefined;
}

export interface PageOptions {
  readonly countMax: number;
  readonly newestFirst: boolean;
  /** The last one of the page before. */
  readonly after: string | undefined;
}

const LOWEST_ID = "0-0";
const HIGHEST_ID = "18446744073709551615-18446744073709551615";

/** A page of the dead letters, and whether it is the last. */
export async function deadLetterPage(
  letters: DeadLetters,
  { countMax, newestFirst, after }: PageOptions,
): Promise<DeadLetterPage> {
  // Redis calls what comes after the last possible id an error.
  const end = newestFirst ? LOWEST_ID : HIGHEST_ID;
  if (after !== undefined && canonicalEntryId(after) === end) return { page: [], next: undefined };
  const place = after === undefined ? {} : { after };
  const found = await letters.page({ countMax: countMax + 1, newestFirst, ...place });
  const page = found.slice(0, countMax);
  return { page, next: found.length > countMax ? page.at(-1)?.id : undefined };
}
