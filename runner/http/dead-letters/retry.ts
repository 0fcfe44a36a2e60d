import { canonicalEntryId } from "../../../shared/entry-range.ts";
import { deadLettersOn } from "../../../shared/io/streams/dead-letters.ts";
import { RUNS_NO_TASKS, ShadowRefused } from "../../engine/shadow-refused.ts";
import {
  NOT_THERE,
  RETRIES_NO_TASKS,
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

/** Retries one dead letter. @throws Problem when it does not exist, or could not be retried */
export async function retryOne(id: string, requester: Requester, services: Services): Promise<Retried> {
  const { summary, attempts } = await retryIds([canonicalEntryId(id)], requester, services);
  const [attempt] = attempts;
  if (attempt === undefined || attempt.status === "gone") throw noDeadLetter(id, attempt?.note);
  const { status, note } = attempt;
  if (note === RETRIES_NO_TASKS) throw new ShadowRefused(RUNS_NO_TASKS);
  if (status === "left") throw (await isRetryable(id, services)) ? retryLater(note) : notRetryable(note);
  return { invocation: summary.invocation ?? "", status, note };
}

/** Who requests it, and why. */
export interface Requester {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

export interface Retried {
  readonly invocation: string;
  readonly status: "done" | "dead";
  readonly note: string;
}

/** Retries the dead letters with these ids, or the oldest ones after an id. */
export async function retrySeveral(
  letters: { readonly ids: readonly string[] } | { readonly after: string | undefined },
  requester: Requester,
  services: Services,
): Promise<RetriedSeveral> {
  if ("ids" in letters) {
    return { ...(await retryIds(letters.ids.map(canonicalEntryId), requester, services)), next: undefined };
  }
  const { page, next } = await deadLetterPage(deadLettersOn(services.redis, services.keys), {
    countMax: RETRY_COUNT_MAX,
    newestFirst: false,
    after: letters.after,
  });
  const ids = page.map(({ id }) => id);
  return { ...(await retryIds(ids, requester, services)), next };
}

interface RetriedIds {
  readonly summary: RetrySummary;
  readonly attempts: readonly RetryAttempt[];
}

export interface RetriedSeveral extends RetriedIds {
  /** Id of the last one retried, when there are more. */
  readonly next: string | undefined;
}

async function retryIds(
  ids: readonly string[],
  { by = "http", reason }: Requester,
  services: Services,
): Promise<RetriedIds> {
  // Decisions use Redis' clock, which this process may not have sampled yet.
  await services.clock.sample();
  const attempts: RetryAttempt[] = [];
  const summary = await retryDeadLetters(
    { letters: ids, requestedBy: by, reason, onAttempt: (attempt) => attempts.push(attempt) },
    { ...services, bindingFor: retryBinding(services) },
  );
  return { summary, attempts };
}

/** Whether another retry may succeed: the letter can be read, has its fields, and its function exists. */
async function isRetryable(id: string, services: Services): Promise<boolean> {
  const stored = await deadLettersOn(services.redis, services.keys).get(id);
  if (stored === undefined || !stored.ok || stored.letter.reason === "entry_deleted") return false;
  return retryBinding(services)(stored.letter, "") !== undefined;
}

/** The problem with an id that is not in `dead_letters`, or no longer. */
export function noDeadLetter(id: string, note = NOT_THERE): Problem {
  const hint = "GET /dead-letters lists the existing ones";
  return new Problem({ status: 404, code: "no_such_dead_letter", detail: `${id}: ${note}`, hint });
}

/** The problem with discarding a dead letter that is being retried. */
export function deadLetterInUse(id: string): Problem {
  const hint = "try again when that has finished; the dead letter may no longer exist then";
  return new Problem({ status: 409, code: "dead_letter_in_use", detail: `${id}: ${IN_USE}`, hint });
}

function retryLater(note: string): Problem {
  const hint = "the dead letter is kept; retry it when the cause in the detail is resolved";
  const detail = `it could not be retried now: ${note}`;
  return new Problem({ status: 503, code: "dead_letter_left", detail, hint });
}

function notRetryable(note: string): Problem {
  const hint = "DELETE it when it is no longer needed";
  return new Problem({ status: 409, code: "dead_letter_cannot_be_retried", detail: note, hint });
}
