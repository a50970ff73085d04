/** Check runs, check suites and commit statuses. Check runs are written by Apps only, statuses by who may push. */
import { Hono } from 'hono';
import { z } from 'zod';
import { repositoryIn, viewerIn } from '../access.ts';
import type { Ctx, Env } from '../answers.ts';
import { bodyOf, forbidden, HttpError, invalid, notFound, numberParam, page } from '../answers.ts';
import { latestStatuses } from '../mergeability.ts';
import {
  annotationShape,
  checkRunShape,
  checkSuiteShape,
  hookCheckRunShape,
  hookSuiteShape,
  latest,
  statusShape,
  suiteState,
} from '../shapes/check.ts';
import { commitShape } from '../shapes/commit.ts';
import { apiOf, repositoryShape } from '../shapes/repository.ts';
import type { Rest } from '../shapes/types.ts';
import { userShape } from '../shapes/user.ts';
import type { Site } from '../site.ts';
import type { Annotation, CheckRun, CheckSuite, CommitStatus, Repository, User } from '../world.ts';

const REPO = '/repos/:owner/:repo';
/** GitHub takes so many annotations in one call; more come with further calls. */
const ANNOTATIONS_MAX = 50;
/** GitHub refuses longer texts. */
const OUTPUT_LENGTH_MAX = 65_535;
/** GitHub's longest description of a status. */
const DESCRIPTION_LENGTH_MAX = 140;

const annotationWish = z
  .object({
    path: z.string(),
    start_line: z.number().int().positive(),
    end_line: z.number().int().positive(),
    annotation_level: z.enum(['notice', 'warning', 'failure']),
    message: z.string().min(1),
    title: z.string().optional(),
    raw_details: z.string().optional(),
  })
  .transform((wish): Annotation => ({
    path: wish.path,
    startLine: wish.start_line,
    endLine: wish.end_line,
    level: wish.annotation_level,
    message: wish.message,
    title: wish.title ?? null,
    rawDetails: wish.raw_details ?? null,
  }));
const runFields = {
  details_url: z.string().optional(),
  external_id: z.string().optional(),
  status: z.enum(['queued', 'in_progress', 'completed']).optional(),
  conclusion: z
    .enum(['success', 'failure', 'neutral', 'cancelled', 'skipped', 'timed_out', 'action_required'])
    .optional(),
  started_at: z.string().optional(),
  completed_at: z.string().optional(),
  output: z
    .object({
      title: z.string().optional(),
      summary: z.string().max(OUTPUT_LENGTH_MAX),
      text: z.string().max(OUTPUT_LENGTH_MAX).optional(),
      annotations: z.array(annotationWish).max(ANNOTATIONS_MAX).optional(),
    })
    .optional(),
};
const createWish = z.object({ name: z.string().min(1), head_sha: z.string().length(40), ...runFields });
const updateWish = z.object({ name: z.string().min(1).optional(), ...runFields });
const statusWish = z.object({
  state: z.enum(['error', 'failure', 'pending', 'success']),
  target_url: z.string().nullish(),
  description: z.string().max(DESCRIPTION_LENGTH_MAX).nullish(),
  context: z.string().default('default'),
});

export function checkRoutes(site: Site): Hono<Env> {
  const app = new Hono<Env>();
  const { world, git } = site;

  async function shaOf(repository: Repository, ref: string): Promise<string> {
    const sha = await git.resolve(repository.path, ref);
    if (sha === undefined) throw new HttpError(422, `No commit found for SHA: ${ref}`);
    return sha;
  }

  app.post(`${REPO}/check-runs`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const user = appIn(c);
    const wish = await bodyOf(c, 'CheckRun', createWish);
    const sha = await git.resolve(repository.path, wish.head_sha);
    if (sha !== wish.head_sha) throw new HttpError(422, `No commit found for SHA: ${wish.head_sha}`);
    const run: CheckRun = {
      id: world.nextId(),
      suite: suiteFor(site, repository, user, sha),
      name: wish.name,
      headSha: sha,
      externalId: '',
      detailsUrl: null,
      status: 'queued',
      conclusion: null,
      startedAt: world.now(),
      completedAt: null,
      title: null,
      summary: null,
      text: null,
      annotations: [],
    };
    write(site, run, wish);
    repository.checkRuns.push(run);
    tellRun(site, repository, run, 'created', user);
    if (run.status === 'completed') await completed(site, repository, run, user);
    return c.json(checkRunShape(site, repository, run) satisfies Rest['check-run'], 201);
  });

  app.patch(`${REPO}/check-runs/:run`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const user = appIn(c);
    const run = runIn(c, repository);
    if (run.suite.app !== user)
      throw forbidden(
        'Invalid app_id `' +
          String(user.app?.id ?? user.id) +
          '` - check run can only be modified by the GitHub App that created it.',
      );
    const before = run.status;
    write(site, run, await bodyOf(c, 'CheckRun', updateWish));
    run.suite.updatedAt = world.now();
    if (run.status === 'completed' && before !== 'completed') await completed(site, repository, run, user);
    return c.json(checkRunShape(site, repository, run));
  });

  app.get(`${REPO}/check-runs/:run`, (c) => {
    const repository = repositoryIn(c, world);
    return c.json(checkRunShape(site, repository, runIn(c, repository)));
  });

  app.get(`${REPO}/check-runs/:run/annotations`, (c) => {
    const repository = repositoryIn(c, world);
    const run = runIn(c, repository);
    return c.json(
      page(
        c,
        run.annotations.map((annotation) => annotationShape(site, repository, run, annotation)),
      ),
    );
  });

  app.post(`${REPO}/check-runs/:run/rerequest`, (c) => {
    const repository = repositoryIn(c, world, 'write');
    const run = runIn(c, repository);
    if (run.status !== 'completed') throw new HttpError(422, 'This check run is not rerequestable');
    tellRun(site, repository, run, 'rerequested', viewerIn(c).user);
    return c.json({}, 201);
  });

  app.get(`${REPO}/commits/:ref{.+}/check-runs`, async (c) => {
    const repository = repositoryIn(c, world);
    const sha = await shaOf(repository, c.req.param('ref'));
    return c.json(runList(site, c, repository, (run) => run.headSha === sha));
  });

  app.get(`${REPO}/check-suites/:suite/check-runs`, (c) => {
    const repository = repositoryIn(c, world);
    const id = numberParam(c, 'suite');
    return c.json(runList(site, c, repository, (run) => run.suite.id === id));
  });

  app.get(`${REPO}/check-suites/:suite`, async (c) => {
    const repository = repositoryIn(c, world);
    const suite = repository.suites.find((one) => one.id === numberParam(c, 'suite'));
    if (suite === undefined) throw notFound();
    return c.json(checkSuiteShape(site, repository, suite, await git.commit(repository.path, suite.headSha)));
  });

  app.get(`${REPO}/commits/:ref{.+}/check-suites`, async (c) => {
    const repository = repositoryIn(c, world);
    const sha = await shaOf(repository, c.req.param('ref'));
    const head = await git.commit(repository.path, sha);
    const appId = c.req.query('app_id');
    const found = repository.suites.filter(
      (suite) => suite.headSha === sha && (appId === undefined || String(suite.app.app?.id) === appId),
    );
    const shapes = found.map((suite) => checkSuiteShape(site, repository, suite, head));
    return c.json({ total_count: shapes.length, check_suites: page(c, shapes) satisfies Rest['check-suite'][] });
  });

  app.post(`${REPO}/statuses/:sha`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const wish = await bodyOf(c, 'Status', statusWish);
    const sha = c.req.param('sha');
    if ((await git.resolve(repository.path, sha)) !== sha) throw new HttpError(422, `No commit found for SHA: ${sha}`);
    const now = world.now();
    const status: CommitStatus = {
      id: world.nextId(),
      sha,
      context: wish.context,
      state: wish.state,
      description: wish.description ?? null,
      targetUrl: wish.target_url ?? null,
      creator: viewerIn(c).user,
      createdAt: now,
      updatedAt: now,
    };
    repository.statuses.push(status);
    await tellStatus(site, repository, status);
    return c.json(statusShape(site, repository, status) satisfies Rest['status'], 201);
  });

  app.get(`${REPO}/commits/:ref{.+}/statuses`, async (c) => {
    const repository = repositoryIn(c, world);
    const sha = await shaOf(repository, c.req.param('ref'));
    const all = repository.statuses.filter((status) => status.sha === sha).toReversed();
    return c.json(
      page(
        c,
        all.map((status) => statusShape(site, repository, status)),
      ),
    );
  });

  app.get(`${REPO}/commits/:ref{.+}/status`, async (c) => {
    const repository = repositoryIn(c, world);
    const sha = await shaOf(repository, c.req.param('ref'));
    const newest = latestStatuses(repository, sha);
    const url = `${apiOf(site, repository)}/commits/${sha}`;
    return c.json({
      state: combined(newest),
      statuses: page(
        c,
        newest.map((status) => statusShape(site, repository, status)),
      ),
      sha,
      total_count: newest.length,
      repository: repositoryShape(site, repository),
      commit_url: url,
      url: `${url}/status`,
    } satisfies Rest['combined-commit-status']);
  });

  return app;
}

/** Only an App may write check runs. */
function appIn(c: Ctx): User {
  const { user } = viewerIn(c);
  if (user.app === undefined) throw forbidden('You must authenticate via a GitHub App.');
  return user;
}

function runIn(c: Ctx, repository: Repository): CheckRun {
  const run = repository.checkRuns.find((one) => one.id === numberParam(c, 'run'));
  if (run === undefined) throw notFound();
  return run;
}

function runList(site: Site, c: Ctx, repository: Repository, wanted: (run: CheckRun) => boolean) {
  const name = c.req.query('check_name');
  const status = c.req.query('status');
  const appId = c.req.query('app_id');
  const all = repository.checkRuns.filter(wanted);
  // `filter=latest` is what GitHub shows unless asked otherwise.
  const found = (c.req.query('filter') === 'all' ? all : latest(all)).filter(
    (run) =>
      (name === undefined || run.name === name) &&
      (status === undefined || run.status === status) &&
      (appId === undefined || String(run.suite.app.app?.id) === appId),
  );
  const shapes = found.toReversed().map((run) => checkRunShape(site, repository, run));
  return { total_count: shapes.length, check_runs: page(c, shapes) satisfies Rest['check-run'][] };
}

function suiteFor(site: Site, repository: Repository, app: User, sha: string): CheckSuite {
  const known = repository.suites.find((suite) => suite.app === app && suite.headSha === sha);
  if (known !== undefined) return known;
  const [branch] = [...repository.branches].find(([, tip]) => tip === sha) ?? [null];
  const now = site.world.now();
  const suite = { id: site.world.nextId(), app, headSha: sha, headBranch: branch, createdAt: now, updatedAt: now };
  repository.suites.push(suite);
  return suite;
}

/** A conclusion makes a run completed; a completed run must have one. */
function write(site: Site, run: CheckRun, wish: z.infer<typeof updateWish>): void {
  const status = wish.conclusion === undefined ? (wish.status ?? run.status) : 'completed';
  if (status === 'completed' && wish.conclusion === undefined && run.conclusion === null) {
    throw invalid({ resource: 'CheckRun', code: 'missing_field', field: 'conclusion' });
  }
  run.name = wish.name ?? run.name;
  run.status = status;
  run.conclusion = status === 'completed' ? (wish.conclusion ?? run.conclusion) : null;
  run.startedAt = wish.started_at ?? run.startedAt;
  run.completedAt = status === 'completed' ? (wish.completed_at ?? site.world.now()) : null;
  run.detailsUrl = wish.details_url ?? run.detailsUrl;
  run.externalId = wish.external_id ?? run.externalId;
  if (wish.output !== undefined) {
    run.title = wish.output.title ?? run.title;
    run.summary = wish.output.summary;
    run.text = wish.output.text ?? run.text;
    run.annotations.push(...(wish.output.annotations ?? []));
  }
}

function tellRun(
  site: Site,
  repository: Repository,
  run: CheckRun,
  action: 'created' | 'completed' | 'rerequested',
  by: User,
): void {
  const check = hookCheckRunShape(site, repository, run);
  const told = { repository: repositoryShape(site, repository), sender: userShape(site, by) };
  if (action === 'created') {
    site.emit(repository, 'check_run', { action, check_run: check, ...told });
    return;
  }
  const at = run.completedAt ?? site.world.now();
  const done = { ...check, status: 'completed' as const, completed_at: at };
  if (action === 'completed') {
    site.emit(repository, 'check_run', { action, check_run: done, ...told });
    return;
  }
  const suite = {
    ...done.check_suite,
    status: 'completed' as const,
    conclusion: done.check_suite.conclusion ?? 'neutral',
  };
  site.emit(repository, 'check_run', { action, check_run: { ...done, check_suite: suite }, ...told });
}

/** Tells the run, and the suite when this was its last one. */
async function completed(site: Site, repository: Repository, run: CheckRun, by: User): Promise<void> {
  tellRun(site, repository, run, 'completed', by);
  if (suiteState(repository, run.suite).status !== 'completed') return;
  const head = await site.git.commit(repository.path, run.headSha);
  site.emit(repository, 'check_suite', {
    action: 'completed',
    check_suite: hookSuiteShape(site, repository, run.suite, head),
    repository: repositoryShape(site, repository),
    sender: userShape(site, by),
  });
}

async function tellStatus(site: Site, repository: Repository, status: CommitStatus): Promise<void> {
  const commit = commitShape(site, repository, await site.git.commit(repository.path, status.sha));
  const branches = [...repository.branches].filter(([, tip]) => tip === status.sha);
  site.emit(repository, 'status', {
    id: status.id,
    sha: status.sha,
    name: repository.fullName,
    target_url: status.targetUrl,
    avatar_url: `${site.url}/avatars/u/${status.creator.id}`,
    context: status.context,
    description: status.description,
    state: status.state,
    commit,
    branches: branches.map(([name, sha]) => ({
      name,
      commit: { sha, url: `${apiOf(site, repository)}/commits/${sha}` },
      protected: repository.protection.has(name),
    })),
    created_at: status.createdAt,
    updated_at: status.updatedAt,
    repository: repositoryShape(site, repository),
    sender: userShape(site, status.creator),
  });
}

function combined(statuses: readonly CommitStatus[]): 'failure' | 'pending' | 'success' {
  if (statuses.some((status) => status.state === 'failure' || status.state === 'error')) return 'failure';
  return statuses.length === 0 || statuses.some((status) => status.state === 'pending') ? 'pending' : 'success';
}
