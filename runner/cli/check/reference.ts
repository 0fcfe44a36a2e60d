import { fault, ok, warning, type Remark } from "../../../shared/config/remark.ts";
import { messageOf } from "../../../shared/error-message.ts";
import type { Database } from "../../../shared/io/postgres/database.ts";
import { loadReferenceRows } from "../../../shared/io/reference/reference-source.ts";
import { buildReference } from "../../../shared/reference/build-reference.ts";
import type { ReferenceContent } from "../../../shared/reference/reference.ts";
import { rowFaultText } from "../../../shared/reference/row-faults.ts";
import { inTime, lineOf, type CheckLine } from "./check-line.ts";

/** Reads the reference as a refresh would, and names every row that cannot be used. */
export async function checkReference(database: Database): Promise<CheckedReference> {
  try {
    const { content, warnings, faults } = buildReference(await inTime(loadReferenceRows(database)));
    const found = warnings.map(({ level, message }) =>
      level === "ERROR" ? fault(message) : warning(message),
    );
    const rows = faults.map((one) => fault(`${rowFaultText(one)}; correct the row in Postgres`));
    const remarks = [...emptyRemarks(content), ...found, ...rows];
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
