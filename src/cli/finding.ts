/** What `doctor` says of one part: well, or what is wrong and what to do. */
export interface Finding {
  part: string;
  ok: boolean;
  /** What was found. */
  detail: string;
  /** What to do; empty when it is well. */
  todo: string;
}

export const good = (part: string, detail: string): Finding => ({ part, ok: true, detail, todo: '' });
export const bad = (part: string, detail: string, todo: string): Finding => ({ part, ok: false, detail, todo });
