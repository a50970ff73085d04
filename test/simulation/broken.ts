/** A rule that did not hold, and what was seen. */
export interface Broken {
  rule: string;
  detail: string;
}

export const broken = (rule: string, detail: string): Broken => ({ rule, detail });
