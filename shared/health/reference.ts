import { rowFaultText, type RowFaults } from "../reference/row-faults.ts";
import { degraded, notReady, seconds, type Fault, type HealthLimits } from "./fault.ts";

/** What is wrong with the reference that decisions are made on. */
export function referenceFaults(reference: ReferenceHealth, limits: HealthLimits): Fault[] {
  const { version, damage, failures } = reference;
  if (version === null) {
    const because =
      failures === undefined ? "" : `: it could not be refreshed from Postgres (${failures.error})`;
    return [notReady(`there is no reference snapshot, so nothing is decided${because}`)];
  }
  const unusable =
    damage === undefined
      ? []
      : [
          notReady(
            `reference version ${version} in Redis ${damage}; no router decides on it until the next refresh from Postgres has written it again`,
          ),
        ];
  return [
    ...unusable,
    ...refreshFaults(reference, limits).map(degraded),
    ...rowFaults(reference).map(degraded),
  ];
}

export interface ReferenceHealth {
  /** Null when there is none, so that nothing can be decided. */
  readonly version: string | null;
  /** Since it was last found to be that of Postgres, in ms; null when it never was. */
  readonly confirmedAgoMs: number | null;
  /** What cannot be used in its rows; absent: nothing. */
  readonly faults?: RowFaults;
  /** Refreshes in a row that could not read Postgres; absent: the last one could. */
  readonly failures?: { readonly count: number; readonly error: string };
  /** Why it cannot be used as it is in Redis, as a clause after its name. */
  readonly damage?: string;
  /** Present when a newer version of the router has published it. */
  readonly newerFormat?: { readonly format: number; readonly known: number };
}

/** One may fail for a moment; of a second one in a row people have to know. */
const FAILURES_MIN = 2;
const ROWS_NAMED_MAX = 3;

function refreshFaults(
  { version, confirmedAgoMs, failures, newerFormat }: ReferenceHealth,
  limits: HealthLimits,
): string[] {
  const confirmed = confirmedAgoMs === null ? "never confirmed" : `confirmed ${seconds(confirmedAgoMs)} ago`;
  const reasons: string[] = [];
  if (newerFormat !== undefined) {
    const { format, known } = newerFormat;
    reasons.push(
      `reference version ${version} was published by a newer version of the router (format ${format} of the data, this router knows ${known}); this router does not refresh it: upgrade this router`,
    );
  }
  if (failures !== undefined && failures.count >= FAILURES_MIN) {
    reasons.push(
      `the reference could not be refreshed from Postgres ${failures.count} times in a row: ${failures.error}; decisions go on with version ${version}, ${confirmed}`,
    );
  } else if (confirmedAgoMs === null) {
    reasons.push("the reference has never been confirmed");
  }
  if (confirmedAgoMs !== null && confirmedAgoMs > limits.referenceAgeMsMax) {
    reasons.push(
      `the reference has not been confirmed for ${seconds(confirmedAgoMs)}; decisions go on with it`,
    );
  }
  return reasons;
}

function rowFaults({ faults = { count: 0, named: [] } }: ReferenceHealth): string[] {
  const named = faults.named
    .slice(0, ROWS_NAMED_MAX)
    .map((fault) => `a row of the reference cannot be used: ${rowFaultText(fault)}`);
  const more = faults.count - named.length;
  const others = more === 1 ? "1 more value" : `${more} more values`;
  return more > 0 ? [...named, `${others} in rows of the reference cannot be used`] : named;
}
