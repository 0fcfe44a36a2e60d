import { isEntryId } from "../../../shared/entry.ts";
import { printableJson } from "../../../shared/text.ts";
import { entryViewSchema, signalViewSchema } from "../../http/signals/entry-schemas.ts";
import type { CommandIo } from "../command-io.ts";
import { problemError } from "../router-routes.ts";
import { entryText } from "./entry-text.ts";
import { currentTime } from "./times.ts";

/** `cli show <entry|uid>`: everything about one signal. */
export async function showSignal(
  typed: string,
  { json }: { readonly json: boolean },
  io: CommandIo,
): Promise<void> {
  const id = encodeURIComponent(typed);
  const found = await io.withRouter(async (router) => {
    const ofUid = { path: `/signals/${id}`, answer: signalViewSchema };
    if (!isEntryId(typed)) return router.ask(ofUid);
    const response = await router.fetch({ path: `/entries/${id}` });
    // A sender may give a uid that looks like an entry.
    const isUid = response.status === 404 && (await router.fetch({ path: ofUid.path })).ok;
    if (isUid) return router.ask(ofUid);
    if (!response.ok) throw await problemError(response);
    return { uid: null, entries: [entryViewSchema.parse(await response.json())], truncated: false };
  });
  if (json) {
    io.print(printableJson(found.uid === null ? found.entries[0] : found));
    return;
  }
  const now = currentTime();
  io.print(found.entries.map((entry) => entryText(entry, { columns: io.columns, now })).join("\n\n"));
  if (found.truncated) io.say("there are more entries with this uid: GET /signals?uid=… lists them all");
}
