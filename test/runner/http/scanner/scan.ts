import { faultsOf, type Rules } from "./invariants.ts";
import { usedBytes } from "./memory.ts";
import type { ShotOptions } from "./operation-shots.ts";
import { partsOf, type Shot } from "./shot.ts";
import { shotStream } from "./shots.ts";
import { fire, type Outcome, type Target } from "./wire.ts";

/** Sends shots, several at once, for the given time, and checks every answer. */
export async function scan({ target, shots, rules, seed, seconds }: ScanOptions): Promise<ScanReport> {
  const stream = shotStream(shots, seed);
  const answers = new Map<string, number>();
  const faults = new Map<string, string[]>();
  let count = 0;

  const worker = async (until: number): Promise<void> => {
    while (performance.now() < until) {
      count += 1;
      const number = count;
      const shot = stream.next().value;
      const outcome = await fire(shot, target);
      const name = nameOf(shot, outcome);
      answers.set(name, (answers.get(name) ?? 0) + 1);
      for (const fault of faultsOf(shot, outcome, rules)) {
        const kind = `${name}: ${fault.slice(0, 60)}`;
        const known = faults.get(kind) ?? [];
        if (known.length < FAULTS_PER_KIND_MAX) {
          known.push(
            `${name}: ${fault}\n  shot ${number} of seed ${seed}: ${shown(shot)}${answerShown(outcome)}`,
          );
        }
        faults.set(kind, known);
      }
    }
  };
  const shootFor = async (ms: number): Promise<number> => {
    const until = performance.now() + ms;
    await Promise.all(Array.from({ length: AT_ONCE }, async () => worker(until)));
    return usedBytes();
  };

  const warm = await shootFor(seconds * 1_000 * WARM_UP);
  const end = await shootFor(seconds * 1_000 * (1 - WARM_UP));
  return { shots: count, answers, faults: [...faults.values()].flat(), usedBytes: { warm, end } };
}

const AT_ONCE = 8;
const FAULTS_PER_KIND_MAX = 3;
const SHOWN_BYTES_MAX = 800;
/** After this share of the time caches are full and code is compiled. */
const WARM_UP = 0.3;

export interface ScanOptions {
  readonly target: Target;
  readonly shots: ShotOptions;
  readonly rules: Rules;
  readonly seed: number;
  readonly seconds: number;
}

export interface ScanReport {
  readonly shots: number;
  /** Number of answers by operation and status: `POST /pause 200`. */
  readonly answers: ReadonlyMap<string, number>;
  /** The first faults of each kind, with the request. */
  readonly faults: readonly string[];
  /** Bytes in use when the scan had warmed up, and at its end. */
  readonly usedBytes: { readonly warm: number; readonly end: number };
}

function nameOf({ operation, garbage, method, sending }: Shot, outcome: Outcome): string {
  const target =
    operation !== undefined
      ? `${operation.method} ${operation.path}`
      : garbage === undefined
        ? `odd ${/^[A-Z]+$/.test(method) ? method : "method"}`
        : "garbage";
  const suffix = sending === "truncated" || sending === "stalled" ? ` ${sending}` : "";
  return `${target}${suffix} ${outcome.kind === "answered" ? outcome.answer.status : outcome.kind}`;
}

/** The request as it was sent, without the token. */
function shown(shot: Shot): string {
  const bytes = Buffer.concat(partsOf(shot, { token: "TOKEN", host: "HOST" }));
  return `${shot.sending} ${excerpt(bytes)}`;
}

function answerShown(outcome: Outcome): string {
  if (outcome.kind === "garbled") return `\n  answer: ${excerpt(outcome.bytes)}`;
  return outcome.kind === "answered" ? `\n  answer: ${excerpt(outcome.answer.body)}` : "";
}

function excerpt(bytes: Buffer): string {
  return JSON.stringify(bytes.toString("latin1", 0, SHOWN_BYTES_MAX));
}
