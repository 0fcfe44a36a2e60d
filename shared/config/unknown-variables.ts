import { distance } from "fastest-levenshtein";
import { warning, type Remark } from "./remark.ts";
import { isSourceSecret } from "./source-secrets.ts";

/** Finds names in the environment that are not the router's but close to one: a typing error there would change nothing, silently. */

/**
 * A warning for each such name, never with its value. A name whose right one is set as well belongs to another program.
 * @param ours names of all variables
 */
export function unknownVariables(
  env: Readonly<Record<string, string | undefined>>,
  ours: readonly string[],
): readonly Remark[] {
  const known = new Set(ours);
  const isSet = (name: string): boolean => (env[name] ?? "").trim() !== "";
  return Object.keys(env)
    .filter((name) => !known.has(name) && isSet(name) && !OTHERS.has(name) && !isSecret(name))
    .toSorted()
    .flatMap((name) => {
      const meant = secretMeant(name) ?? closest(name, ours);
      if (meant === undefined || isSet(meant)) return [];
      return [
        warning(
          `the environment has ${shown(name)}, which is no variable of the router and changes nothing: did you mean ${meant}?`,
        ),
      ];
    });
}

/** Of other programs, although they look like ours. */
const OTHERS = new Set(["HTTPS_PORT", "HTTPS_HOST", "HTTPS_TOKEN", "HTTP_PORTS", "DATABASE_URLS"]);

/** A name can be of any length, and hold anything but `=`. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 60)).slice(1, -1);
}

function isSecret(name: string): boolean {
  return /^STRATEGY_SECRET_./.test(name) || isSourceSecret(name);
}

const STRATEGY_SECRET = "STRATEGY_SECRET";
const SECRET_PREFIXES = [STRATEGY_SECRET, "WEBHOOK_SECRET"] as const;

/** `STRATEGY_SECRETS_BROKER` → `STRATEGY_SECRET_BROKER`, `webhook_secret_bot` → `WEBHOOK_SECRET_BOT` */
function secretMeant(name: string): string | undefined {
  const [first = "", second = "", ...rest] = wordsOf(name);
  const given = `${first}_${second}`;
  if (rest.length === 0) {
    return given === STRATEGY_SECRET ? `${STRATEGY_SECRET}_<NAME>` : undefined;
  }
  const meant = SECRET_PREFIXES.find((prefix) => distance(given, prefix) <= 2);
  return meant === undefined ? undefined : `${meant}_${rest.join("_")}`;
}

function closest(name: string, ours: readonly string[]): string | undefined {
  const near = ours.filter((our) => isNear(name, our));
  return near.toSorted((a, b) => distance(name, a) - distance(name, b))[0];
}

/** From this length on, two wrong characters are a typing error rather than another word. */
const LONG_NAME = 16;

function isNear(name: string, our: string): boolean {
  const words = wordsOf(name);
  const given = words.join("_");
  // Another case, another order of words, or signs between them: REDISURL, http-port, SIGNAL_AGE_MAX_MS.
  if (compact(given) === compact(our) || sameWords(words, wordsOf(our))) return true;
  const errors = distance(given, our);
  if (errors === 1) return true;
  if (errors === 2 && (our.length >= LONG_NAME || sameLetters(given, our))) return true;
  // Without its unit or with another: CLAIM_IDLE, STREAM_RETENTION_DAYS.
  const [stem, ourStem] = [stemOf(words), stemOf(wordsOf(our))];
  return ourStem.length >= 2 && sameWords(stem, ourStem);
}

const UNITS = /^(MS|MAX|MIN|S|SEC|SECS|SECONDS|MINUTES|HOURS|DAYS|BYTES|KB|MB|COUNT|LIMIT|SIZE)$/;

function stemOf(words: readonly string[]): readonly string[] {
  return words.filter((word) => !UNITS.test(word));
}

function wordsOf(name: string): readonly string[] {
  return name
    .toUpperCase()
    .split(/[^A-Z0-9]+/)
    .filter((word) => word !== "");
}

const compact = (name: string): string => name.replaceAll("_", "");
const sameLetters = (a: string, b: string): boolean =>
  a.split("").toSorted().join("") === b.split("").toSorted().join("");
const sameWords = (a: readonly string[], b: readonly string[]): boolean =>
  a.toSorted().join(" ") === b.toSorted().join(" ");
