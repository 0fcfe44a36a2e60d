import { canonicalEntryId } from "../../../shared/entry-range.ts";
import { deadLettersOn } from "../../../shared/io/streams/dead-letters.ts";
import {
  retryBinding,
  retryDeadLetters,
  type RetryAttempt,
  type RetrySummary,
} from "../../on-demand/retry-dead-letters.ts";
import { IN_USE } from "../../on-demand/run-dead-letter.ts";
import type { Services } from "../../setup/services.ts";
import { Problem } from "../problem.ts";
import { deadLetterPage } from "./page.ts";
import { RETRY_COUNT_MAX } from "./schemas.ts";

/** Who asks, and why. */
export interface Asker {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

export interface Retried {
  readonly invocation: string;
  readonly status: "done" | "dead";
  readonly note: string;
}

/** Retries one dead letter. @throws Problem when it is not there, or had to be left where it is */
export async function retryOne(id: string, asker: Asker, services: Services): Promise<Retried> {
  const { summary, attempts } = await retry([canonicalEntryId(id)], asker, services);
  const [attempt] = attempts;
  if (attempt === undefined || attempt.status === "gone") throw noDeadLetter(id, attempt?.note);
  const { status, note } = attempt;
  if (status === "left") {
    throw (await canBeRun(id, services)) ? leftForNow(note) : leftForGood(note);
  }
  return { invocation: summary.invocation ?? "", status, note };
}

export interface RetriedSome {
  readonly summary: RetrySummary;
  readonly attempts: readonly RetryAttempt[];
  /** The last one retried, when there are more. */
  readonly next: string | undefined;
}

/** Retries those with these ids, or the oldest after a place. */
export async function retrySome(
  letters: { readonly ids: readonly string[] } | { readonly after: string | undefined },
  asker: Asker,
  services: Services,
): Promise<RetriedSome> {
  if ("ids" in letters) {
    return { ...(await retry(letters.ids.map(canonicalEntryId), asker, services)), next: undefined };
  }
  const { page, next } = await deadLetterPage(deadLettersOn(services.redis, services.keys), {
    countMax: RETRY_COUNT_MAX,
    newestFirst: false,
    after: letters.after,
  });
  const ids = page.map(({ id }) => id);
  return { ...(await retry(ids, asker, services)), next };
}

async function retry(
  ids: readonly string[],
  { by = "http", reason }: Asker,
  services: Services,
): Promise<{ readonly summary: RetrySummary; readonly attempts: readonly RetryAttempt[] }> {
  // Decisions are made by Redis' clock, which nothing else may have looked at in this process.
  await services.clock.sample();
  const attempts: RetryAttempt[] = [];
  const summary = await retryDeadLetters(
    { letters: ids, requestedBy: by, reason, onAttempt: (attempt) => attempts.push(attempt) },
    { ...services, bindingFor: retryBinding(services) },
  );
  return { summary, attempts };
}

/** Whether another try can end otherwise: it can be read, it has its fields, and there is a function for it. */
async function canBeRun(id: string, services: Services): Promise<boolean> {
  const stored = await deadLettersOn(services.redis, services.keys).get(id);
  if (stored === undefined || !stored.ok || stored.letter.reason === "entry_deleted") return false;
  return retryBinding(services)(stored.letter, "") !== undefined;
}

/** The answer for an id that is not in `dead_letters`, or not any more. */
export function noDeadLetter(id: string, note = "there is no dead letter with this id"): Problem {
  const hint = "GET /dead-letters lists those that are there";
  return new Problem({ status: 404, code: "no_such_dead_letter", detail: `${id}: ${note}`, hint });
}

/** The answer to whoever wants to throw away what is being retried. */
export function deadLetterInUse(id: string): Problem {
  const hint = "ask again when that is over; then it may be gone";
  return new Problem({
    status: 409,
    code: "dead_letter_in_use",
    detail: `${id}: ${IN_USE}`,
    hint,
  });
}

function leftForNow(note: string): Problem {
  const hint = "the dead letter is still there; retry it once what the detail names is put right";
  return new Problem({
    status: 503,
    code: "dead_letter_left",
    detail: `it could not be run now: ${note}`,
    hint,
  });
}

function leftForGood(note: string): Problem {
  const hint = "DELETE it once nobody needs it any more";
  return new Problem({ status: 409, code: "dead_letter_cannot_be_retried", detail: note, hint });
}
