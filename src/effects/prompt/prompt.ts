/**
 * From the parts of a prompt to its text. Each section is a template that a user or a repository can replace; when the
 * whole is too long, the least important sections are cut first, and the prompt says which.
 */
import { Liquid } from 'liquidjs';
import type { PromptParts } from '../../../machines/events/agent.ts';
import type { Template } from './templates.ts';

/** A prompt beyond this leaves a small model no room to work. */
export const PROMPT_BYTES_MAX = 150_000;
/** A cut section keeps at least this much, or goes as a whole. */
const KEPT_BYTES_MIN = 400;
/** Templates are small texts; one that computes for longer is a mistake or worse. */
const RENDER_MS_MAX = 2_000;
const MEMORY_MAX = 20_000_000;

/** As they stand in the prompt. */
export const SECTIONS = [
  'role',
  'objective',
  'why',
  'required',
  'answered',
  'texts',
  'evidence',
  'earlier',
  'changes',
  'facts',
  'notes',
  'memory',
  'workflow',
  'deliver',
] as const;
export type SectionName = (typeof SECTIONS)[number];

/** Cut first to last; what is not here is never cut. */
const CUT_ORDER: readonly SectionName[] = [
  'memory',
  'facts',
  'earlier',
  'changes',
  'notes',
  'workflow',
  'evidence',
  'objective',
  'texts',
];

export interface PromptOptions {
  kind: string;
  for: string;
  worktree: string;
  repo: string;
  branch?: string | undefined;
  head?: string | undefined;
  /** What the role's file says. */
  role: string;
  memory: Record<string, string>;
  /** What this run may do through the run door. */
  actions: readonly string[];
  workflow?: { path: string; text: string } | undefined;
  limitBytes?: number;
  templates: Record<SectionName, Template>;
}

export interface RenderedPrompt {
  text: string;
  /** Ids of the notes that are in it. */
  notes: string[];
  /** Sections that were cut. */
  cut: SectionName[];
}

/** Keys of evidence the template shows by itself; others are shown as they are. */
const SHOWN = new Set([
  'reviewer',
  'review',
  'head',
  'base',
  'body',
  'comments',
  'failures',
  'gate',
  'incident',
  'failureReason',
  'closedBy',
  'comment',
  'pull',
  'lastAttempt',
]);

/** @throws Error where a template fails that has no other to fall back to. */
export async function renderPrompt(parts: PromptParts, options: PromptOptions): Promise<RenderedPrompt> {
  const { limitBytes = PROMPT_BYTES_MAX, templates } = options;
  const liquid = newLiquid();
  let { notes } = parts;
  const texts = new Map<SectionName, string>();
  const render = async (name: SectionName): Promise<void> => {
    const scope = { ...scopeOf(parts, options), notes };
    texts.set(name, tidy(await renderOne(liquid, templates[name], scope)));
  };
  for (const name of SECTIONS) await render(name);

  const cut: SectionName[] = [];
  for (const name of CUT_ORDER) {
    const over = bytes(whole(texts, cut)) - limitBytes;
    if (over <= 0) break;
    const text = texts.get(name) ?? '';
    if (text === '') continue;
    cut.push(name);
    if (name === 'notes') {
      // By whole notes: one that is not shown stays unread, and comes with the next run.
      while (notes.length > 0 && bytes(whole(texts, cut)) > limitBytes) {
        notes = notes.slice(0, Math.floor(notes.length / 2));
        await render('notes');
      }
    } else texts.set(name, shorten(text, bytes(whole(texts, cut)) - limitBytes));
  }
  return { text: whole(texts, cut), notes: notes.map(({ id }) => id), cut };
}

/** No file system: a template includes nothing. */
const newLiquid = (): Liquid =>
  new Liquid({
    cache: false,
    renderLimit: RENDER_MS_MAX,
    memoryLimit: MEMORY_MAX,
    ownPropertyOnly: true,
    templates: {},
  });

/** What a chat is told before the first mail of each of its processes: who it is, what it remembers, what it may do. */
export async function renderOpening(
  template: Template,
  { role, memory, actions }: Pick<PromptOptions, 'role' | 'memory' | 'actions'>,
): Promise<string> {
  const scope = { role, actions, memory: Object.entries(memory).map(([key, value]) => ({ key, value })) };
  return tidy(await renderOne(newLiquid(), template, scope));
}

async function renderOne(liquid: Liquid, template: Template, scope: object): Promise<string> {
  try {
    return String(await liquid.parseAndRender(template.text, scope));
  } catch (error) {
    if (template.otherwise === undefined) throw error;
    template.failed?.(error as Error);
    return String(await liquid.parseAndRender(template.otherwise, scope));
  }
}

function scopeOf(parts: PromptParts, options: PromptOptions): Record<string, unknown> {
  const { kind, worktree, repo, branch, head, role, memory, actions, workflow } = options;
  const evidence = (parts.evidence ?? null) as Record<string, unknown> | null;
  return {
    ...parts,
    evidence,
    otherEvidence: Object.entries(evidence ?? {})
      .filter(([name]) => !SHOWN.has(name))
      .map(([name, value]) => ({ name, value })),
    kind,
    for: options.for,
    worktree,
    repo,
    branch,
    head,
    role,
    actions,
    memory: Object.entries(memory).map(([key, value]) => ({ key, value })),
    workflow,
  };
}

function whole(texts: ReadonlyMap<SectionName, string>, cut: readonly SectionName[]): string {
  const sections = SECTIONS.map((name) => texts.get(name) ?? '').filter((text) => text !== '');
  if (cut.length > 0) sections.push(`(This prompt was too long. Shortened or left out: ${cut.join(', ')}.)`);
  return `${sections.join('\n\n')}\n`;
}

/** Takes at least `over` bytes away, at a line's end where there is one. */
function shorten(text: string, over: number): string {
  const mark = '\n(… cut here, it is longer)';
  const keep = bytes(text) - over - bytes(mark);
  if (keep < KEPT_BYTES_MIN) return '';
  const kept = Buffer.from(text)
    .subarray(0, keep)
    .toString('utf8')
    .replace(/\uFFFD$/u, '');
  const end = kept.lastIndexOf('\n');
  return `${end > kept.length / 2 ? kept.slice(0, end) : kept}${mark}`;
}

const bytes = (text: string): number => Buffer.byteLength(text);

/** Templates leave empty lines where something is absent. */
const tidy = (text: string): string => text.replaceAll(/\n{3,}/g, '\n\n').trim();
