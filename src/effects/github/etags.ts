/**
 * Answers of GitHub kept by address, with their ETag: asking again with it costs nothing of the rate limit when
 * nothing changed (304). Bounded in number and size; the least recently used goes first.
 */
export interface KeptAnswer {
  etag: string;
  data: unknown;
  /** Address of the next page. */
  next?: string | undefined;
}

export interface AnswerCache {
  get: (url: string) => KeptAnswer | undefined;
  set: (url: string, answer: KeptAnswer) => void;
  size: () => number;
}

/** Eight addresses per watched pull request: room for a few hundred of them. */
const ANSWERS_MAX = 4_000;
/** In characters of JSON. Beyond it a lost ETag costs one counted request, which is cheaper than the memory. */
const CHARACTERS_MAX = 32_000_000;

export function createAnswerCache({ answersMax = ANSWERS_MAX, charactersMax = CHARACTERS_MAX } = {}): AnswerCache {
  const answers = new Map<string, KeptAnswer & { characters: number }>();
  let characters = 0;

  function drop(url: string): void {
    characters -= answers.get(url)?.characters ?? 0;
    answers.delete(url);
  }

  return {
    get(url) {
      const found = answers.get(url);
      if (found === undefined) return undefined;
      // A Map keeps the order of insertion: putting it back makes it the youngest.
      answers.delete(url);
      answers.set(url, found);
      return found;
    },
    set(url, answer) {
      drop(url);
      const size = JSON.stringify(answer.data ?? null).length;
      answers.set(url, { ...answer, characters: size });
      characters += size;
      for (const oldest of answers.keys()) {
        if (answers.size <= answersMax && characters <= charactersMax) break;
        drop(oldest);
      }
    },
    size: () => answers.size,
  };
}
