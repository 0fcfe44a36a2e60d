import { withLocalSecrets } from "../../../runner/local/secrets.ts";
import { readConfig } from "../../../shared/config/config.ts";

/** A router that starts, as far as its secrets go: says that it is there, and its token once it is told to begin. */
const [, , dataDir = ""] = process.argv;
const answer = readConfig({});
if (!answer.ok) throw new Error(answer.message);
const { config } = answer;

process.once("message", () => {
  void withLocalSecrets(config, dataDir).then(({ httpToken }) => {
    process.send?.(httpToken);
    process.disconnect();
  });
});
process.send?.("ready");
