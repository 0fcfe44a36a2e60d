import cliProgress from "cli-progress";

/** How far a replay is, as a bar on standard error; nothing where that is no terminal. */
export interface Progress {
  /** How many signals there are. */
  begin(total: number): void;
  step(): void;
  end(): void;
}

export function progressBar(what: string): Progress {
  const bar = new cliProgress.SingleBar({
    format: `${what} {bar} {value} of {total} signals`,
    stream: process.stderr,
    barsize: 30,
    clearOnComplete: true,
    hideCursor: true,
  });
  return {
    begin: (total) => bar.start(total, 0),
    step: () => bar.increment(),
    end: () => bar.stop(),
  };
}
