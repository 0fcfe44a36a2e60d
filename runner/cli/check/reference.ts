import { fault, ok, warning, type Remark } from "../../../shared/config/remark.ts";
import { messageOf } from "../../../shared/error-message.ts";
import type { Database } from "../../../shared/io/postgres/database.ts";
import { loadReferenceRows } from "../../../shared/io/reference/reference-source.ts";
import { buildReference } from "../../../shared/reference/build-reference.ts";
import type { ReferenceContent } from "../../../shared/reference/reference.ts";
import { namedId, rowFaultText } from "../../../shared/reference/row-faults.ts";
import { ROW_RULES } from "../../../shared/reference/row-rules.ts";
import {
  concernsStrategies,
  splitTickers,
  splitTickerText,
} from "../../../shared/reference/split-tickers.ts";
import { inTime, lineOf, type CheckLine } from "./check-line.ts";

/** Reads the reference as a refresh would, and names every row that cannot be used. */
export async function checkReference(database: Database): Promise<CheckedReference> {
  try {
    const { content, warnings, faults } = buildReference(await inTime(loadReferenceRows(database)));
    const found = warnings.map(({ level, message }) =>
      level === "ERROR" ? fault(message) : warning(message),
    );
    const rows = faults.map((one) => {
      const text = `${rowFaultText(one)}; correct the row in Postgres`;
      const isWarning = one.rule !== undefined && ROW_RULES[one.rule].level === "WARNING";
      return isWarning ? warning(text) : fault(text);
    });
    const remarks = [
      ...emptyRemarks(content),
      ...found,
      ...rows,
      ...splitRemarks(content),
      ...exitRemarks(content),
    ];
    return {
      lines: [countsRemark(content), ...remarks].map((remark) => lineOf("Reference", remark)),
      content,
    };
  } catch (error) {
    const message = `the reference cannot be read: ${messageOf(error)}`;
    return { lines: [lineOf("Reference", fault(message))] };
  }
}

export interface CheckedReference {
  readonly lines: readonly CheckLine[];
  readonly content?: ReferenceContent;
}

function countsRemark({ tickers, strategies, phrases }: ReferenceContent): Remark {
  return ok(`${tickers.size} tickers, ${strategies.size} strategies, ${phrases.size} phrases`);
}

/** On demand, so also of tickers that are two for long. */
function splitRemarks(content: ReferenceContent): Remark[] {
  return splitTickers(content).map((split) => {
    const text = splitTickerText(split);
    return concernsStrategies(split) ? warning(text) : ok(text);
  });
}

/** No router knows the versions of the others. */
function exitRemarks({ strategies }: ReferenceContent): Remark[] {
  const taking = [...strategies.values()].filter(({ exits, archived }) => exits === true && !archived);
  if (taking.length === 0) return [];
  const named = taking.slice(0, NAMED_MAX).map(({ id, name }) => namedId(name, String(id)));
  const more = taking.length > NAMED_MAX ? ` and ${taking.length - NAMED_MAX} more` : "";
  return [
    ok(
      `exits are taken by ${named.join(", ")}${more}: every router and worker must know exits; a router of a version before exits stops deciding and makes dead letters of exits`,
    ),
  ];
}

const NAMED_MAX = 10;

function emptyRemarks({ tickers, strategies, phrases }: ReferenceContent): Remark[] {
  const lacking = Object.entries({ tickers, strategies, phrases }).flatMap(([what, { size }]) =>
    size === 0 ? [what] : [],
  );
  if (lacking.length === 0) return [];
  return [
    warning(
      `no signal can be dispatched: there are no ${lacking.join(" and no ")}; insert them into Postgres`,
    ),
  ];
}
