/** Parses Prometheus' text format as a strict reader does. @throws Error with the line that the format does not allow */
export function parsePrometheus(text: string): Map<string, PrintedFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, PrintedFamily>();
  let help: { name: string; text: string } | undefined;
  let current: { name: string; family: PrintedFamily } | undefined;
  for (const line of text.split("\n")) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    if (line === "") continue;
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind === "HELP") {
      if (!NAME.test(name) || families.has(name)) fail("an invalid or repeated name");
      help = { name, text: rest };
    } else if (kind === "TYPE") {
      if (help?.name !== name) fail("TYPE without its HELP");
      if (!/^(counter|gauge|histogram|summary|untyped)$/.test(rest)) fail("no such type");
      current = { name, family: { type: rest, help: help?.text ?? "", series: new Map() } };
      families.set(name, current.family);
    } else if (current === undefined) fail("a sample before any TYPE");
    else addSample(line, current, fail);
  }
  for (const [name, family] of families) if (family.type === "histogram") checkHistogram(name, family);
  return families;
}

/** One metric, its series by name and labels as printed: `name{a="b"}`. */
export interface PrintedFamily {
  readonly type: string;
  readonly help: string;
  readonly series: Map<string, number>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/;

function addSample(
  line: string,
  { name, family }: { name: string; family: PrintedFamily },
  fail: (why: string) => never,
): void {
  const [, sampleName = "", labels = "", value = ""] = SAMPLE.exec(line) ?? fail("no sample");
  const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  if (!suffixes.some((suffix) => sampleName === name + suffix)) fail(`not of ${name}`);
  const seen = new Set<string>();
  for (let left = labels; left !== "";) {
    const [whole, label = ""] = LABEL.exec(left) ?? fail("an invalid label");
    if (seen.has(label)) fail("a label twice");
    seen.add(label);
    left = left.slice(whole.length);
  }
  // Like Go's ParseFloat, which accepts Inf and NaN in any case.
  const number = Number(value.replace(/^([+-]?)inf$/i, "$1Infinity"));
  if (Number.isNaN(number) && !/^nan$/i.test(value)) fail("no number");
  if (family.type === "counter" && !(number >= 0)) fail("a counter below 0");
  const key = labels === "" ? sampleName : `${sampleName}{${labels}}`;
  if (family.series.has(key)) fail("a series twice");
  family.series.set(key, number);
}

/** Buckets must rise, be cumulative, and end with `+Inf`, which equals the count. */
function checkHistogram(name: string, { series }: PrintedFamily): void {
  const last = new Map<string, { bound: number; value: number }>();
  for (const [key, value] of series) {
    const [, labels = "", le] = /_bucket\{(?:(.*),)?le="([^"]+)"\}$/.exec(key) ?? [];
    if (le === undefined) continue;
    const bound = le === "+Inf" ? Infinity : Number(le);
    const before = last.get(labels) ?? { bound: -Infinity, value: 0 };
    if (!(bound > before.bound)) throw new Error(`bounds do not rise: ${key}`);
    if (value < before.value) throw new Error(`not cumulative: ${key}`);
    last.set(labels, { bound, value });
  }
  for (const [labels, { bound, value }] of last) {
    const braced = labels === "" ? "" : `{${labels}}`;
    const count = series.get(`${name}_count${braced}`);
    if (bound !== Infinity || count !== value || !series.has(`${name}_sum${braced}`)) {
      throw new Error(`+Inf (${value}), count (${count}) and sum of ${name}${braced} do not match`);
    }
  }
}
