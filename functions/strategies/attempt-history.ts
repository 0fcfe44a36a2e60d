import type { Append } from "../../shared/function.ts";
import type { Detail } from "../../shared/signal/signal.ts";
import type { Arrival } from "./run-posts.ts";

/** The attempts of one task, for its record: the last one, and those whose POST may have arrived although no answer came. */
export class AttemptHistory {
  /** Records of attempts that could not be published when they ended. */
  readonly unpublished: Append[] = [];
  readonly #earlierUnknown: boolean;
  readonly #arrivals = new Map<number, Arrival>();
  #first = 0;
  #last = 0;

  /** `earlierUnknown`: attempts before the first one here were another process's, which did not say how they ended. */
  constructor({ earlierUnknown }: { readonly earlierUnknown: boolean }) {
    this.#earlierUnknown = earlierUnknown;
  }

  begun(attempt: number): void {
    if (this.#first === 0) this.#first = attempt;
    this.#last = attempt;
  }

  /** Takes note of how the last attempt ended. */
  ended(arrival: Arrival): void {
    this.#arrivals.set(this.#last, arrival);
  }

  /** Number of the last attempt. */
  get last(): number {
    return this.#last;
  }

  /** `may_have_arrived`, the numbers of the attempts on which the receiver may have acted; empty when there are none. */
  detail(): Detail {
    const attempts = Array.from({ length: this.#last }, (_, i) => i + 1).slice(-NAMED_MAX);
    const uncertain = attempts.filter((attempt) => this.#mayHaveArrived(attempt));
    return uncertain.length === 0 ? {} : { may_have_arrived: uncertain };
  }

  #mayHaveArrived(attempt: number): boolean {
    if (attempt >= this.#first) return this.#arrivals.get(attempt) === "unknown";
    // A strategy that was run here and has sent nothing does not post.
    const arrivals = [...this.#arrivals.values()];
    return this.#earlierUnknown && (arrivals.length === 0 || arrivals.some(isSent));
  }
}

/** Attempts that a record names, the last ones. */
const NAMED_MAX = 100;

function isSent(arrival: Arrival): boolean {
  return arrival === "answered" || arrival === "unknown";
}
