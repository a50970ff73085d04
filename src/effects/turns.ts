/** Work that must not overlap: pieces with the same key run one after the other, in the order they were asked for. */

export type Turns = <Result>(key: string, work: () => Promise<Result>) => Promise<Result>;

export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const before = last.get(key) ?? Promise.resolve();
    const turn = before.then(work, work);
    const settled: Promise<void> = turn.then(
      () => forget(),
      () => forget(),
    );
    const forget = (): void => {
      if (last.get(key) === settled) last.delete(key);
    };
    last.set(key, settled);
    return turn;
  };
}
