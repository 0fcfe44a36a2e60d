import { messageOf } from "../../error-message.ts";
import { DatabaseError, type Database } from "./database.ts";
import { tablesIn } from "./table-names.ts";

/** A database that is opened when first used, for work that rarely needs it; failing to open it counts as `unavailable`. */
export function lazyDatabase(
  { kind, schema }: { readonly kind: Database["kind"]; readonly schema?: string | undefined },
  open: () => Promise<Database>,
): Database {
  let opening: Promise<Database> | undefined;
  const opened = async (): Promise<Database> => {
    try {
      return await (opening ??= open());
    } catch (error) {
      throw new DatabaseError(messageOf(error), "unavailable", undefined);
    }
  };
  return {
    kind,
    schema,
    table: tablesIn(schema),
    query: async (sql, params) => (await opened()).query(sql, params),
    readOnly: async (work) => (await opened()).readOnly(work),
    transaction: async (work) => (await opened()).transaction(work),
    migrate: async (options) => (await opened()).migrate(options),
    async close() {
      const database = await opening?.catch(() => undefined);
      await database?.close();
    },
  };
}
