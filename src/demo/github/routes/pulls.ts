/** Pull requests: open, list, look, change, ask for reviewers, merge. */
import { Hono } from 'hono';
import { z } from 'zod';
import { permissionOf, repositoryIn, viewerIn } from '../access.ts';
import type { Ctx, Env } from '../answers.ts';
import { bodyOf, HttpError, invalid, notFound, numberParam, page } from '../answers.ts';
import { look } from '../mergeability.ts';
import { mergePull } from '../merge.ts';
import { closePull, openedPull, reopenPull } from '../pull-life.ts';
import type { PullIssue } from '../pull.ts';
import { commitsOf, filesOf, isPull, pullsOf } from '../pull.ts';
import { commitShape, fileShape } from '../shapes/commit.ts';
import { pullShape, pullSimpleShape } from '../shapes/pull.ts';
import { repositoryShape } from '../shapes/repository.ts';
import type { Rest } from '../shapes/types.ts';
import { userShape } from '../shapes/user.ts';
import type { Site } from '../site.ts';
import type { Repository, User } from '../world.ts';
import { nextNumber, userOf } from '../world.ts';

const PULLS = '/repos/:owner/:repo/pulls';

const createWish = z.object({
  title: z.string().min(1),
  head: z.string().min(1),
  base: z.string().min(1),
  body: z.string().nullish(),
  draft: z.boolean().optional(),
});
const updateWish = z.object({
  title: z.string().min(1).optional(),
  body: z.string().nullish(),
  state: z.enum(['open', 'closed']).optional(),
  base: z.string().optional(),
});
const mergeWish = z.object({
  commit_title: z.string().optional(),
  commit_message: z.string().optional(),
  sha: z.string().optional(),
  merge_method: z.enum(['merge', 'squash', 'rebase']).default('merge'),
});
const reviewersWish = z.object({
  reviewers: z.array(z.string()).default([]),
  team_reviewers: z.array(z.string()).default([]),
});

export function pullIn(c: Ctx, repository: Repository): PullIssue {
  const issue = repository.issues.get(numberParam(c, 'number'));
  if (issue === undefined || !isPull(issue)) throw notFound();
  return issue;
}

export function pullRoutes(site: Site): Hono<Env> {
  const app = new Hono<Env>();
  const { world } = site;

  app.post(PULLS, async (c) => {
    const viewer = viewerIn(c);
    const wish = await bodyOf(c, 'PullRequest', createWish);
    const repository = repositoryIn(c, world, 'read');
    // Whoever may not write here proposes from a fork of their own.
    if (headOf(site, repository, wish.head).headIn === repository) repositoryIn(c, world, 'write');
    return repository.turn(async () => {
      const issue = await openPull(site, repository, viewer.user, wish);
      await openedPull(site, repository, issue);
      const shape = await pullShape(site, repository, issue);
      c.header('location', shape.url);
      return c.json(shape satisfies Rest['pull-request'], 201);
    });
  });

  app.get(PULLS, (c) => {
    const repository = repositoryIn(c, world);
    const all = listed(c, repository).map((issue) => pullSimpleShape(site, repository, issue));
    return c.json(page(c, all) satisfies Rest['pull-request-simple'][]);
  });

  app.get(`${PULLS}/:number`, async (c) => {
    const repository = repositoryIn(c, world);
    const issue = pullIn(c, repository);
    return c.json(await pullShape(site, repository, issue, await look(site, repository, issue)));
  });

  app.patch(`${PULLS}/:number`, async (c) => {
    const repository = repositoryIn(c, world);
    const issue = pullIn(c, repository);
    const viewer = viewerIn(c);
    if (viewer.user !== issue.user) repositoryIn(c, world, 'write');
    const wish = await bodyOf(c, 'PullRequest', updateWish);
    return repository.turn(async () => {
      await change(site, repository, issue, viewer.user, wish);
      return c.json(await pullShape(site, repository, issue, await look(site, repository, issue)));
    });
  });

  app.get(`${PULLS}/:number/files`, async (c) => {
    const repository = repositoryIn(c, world);
    const { pull } = pullIn(c, repository);
    const files = await filesOf(site, repository, pull);
    return c.json(
      page(
        c,
        files.map((file) => fileShape(site, repository, pull.headSha, file)),
      ),
    );
  });

  app.get(`${PULLS}/:number/commits`, async (c) => {
    const repository = repositoryIn(c, world);
    const commits = await commitsOf(site, repository, pullIn(c, repository).pull);
    return c.json(
      page(
        c,
        commits.map((commit) => commitShape(site, repository, commit)),
      ),
    );
  });

  app.get(`${PULLS}/:number/merge`, (c) => {
    const repository = repositoryIn(c, world);
    if (pullIn(c, repository).pull.merged === null) throw notFound();
    return c.body(null, 204);
  });

  app.put(`${PULLS}/:number/merge`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const issue = pullIn(c, repository);
    const wish = await bodyOf(c, 'PullRequest', mergeWish);
    const sha = await mergePull(site, repository, issue, viewerIn(c), {
      method: wish.merge_method,
      sha: wish.sha,
      title: wish.commit_title,
      message: wish.commit_message,
    });
    return c.json({
      sha,
      merged: true,
      message: 'Pull Request successfully merged',
    } satisfies Rest['pull-request-merge-result']);
  });

  app.get(`${PULLS}/:number/requested_reviewers`, (c) => {
    const repository = repositoryIn(c, world);
    const { pull } = pullIn(c, repository);
    return c.json({ users: pull.requestedReviewers.map((user) => userShape(site, user)), teams: [] });
  });

  app.post(`${PULLS}/:number/requested_reviewers`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const issue = pullIn(c, repository);
    const wish = await bodyOf(c, 'PullRequest', reviewersWish);
    const users = wish.reviewers.map((login) => reviewerOf(site, repository, issue, login));
    if (wish.team_reviewers.length > 0) throw new HttpError(422, 'Could not resolve to a node with the slug.');
    for (const user of users.filter((one) => !issue.pull.requestedReviewers.includes(one))) {
      issue.pull.requestedReviewers.push(user);
      issue.updatedAt = world.now();
      await tellRequest(site, repository, issue, user, viewerIn(c).user, 'review_requested');
    }
    return c.json(pullSimpleShape(site, repository, issue), 201);
  });

  app.delete(`${PULLS}/:number/requested_reviewers`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const issue = pullIn(c, repository);
    const wish = await bodyOf(c, 'PullRequest', reviewersWish);
    for (const login of wish.reviewers) {
      const user = issue.pull.requestedReviewers.find((one) => one.login.toLowerCase() === login.toLowerCase());
      if (user === undefined) continue;
      issue.pull.requestedReviewers = issue.pull.requestedReviewers.filter((one) => one !== user);
      issue.updatedAt = world.now();
      await tellRequest(site, repository, issue, user, viewerIn(c).user, 'review_request_removed');
    }
    return c.json(pullSimpleShape(site, repository, issue));
  });

  return app;
}

async function openPull(
  site: Site,
  repository: Repository,
  user: User,
  wish: z.infer<typeof createWish>,
): Promise<PullIssue> {
  const { headIn, owner, headRef } = headOf(site, repository, wish.head);
  const headSha = headIn?.branches.get(headRef);
  const baseSha = repository.branches.get(wish.base);
  const wrong = (field: string) => ({ resource: 'PullRequest', field, code: 'invalid' });
  if (headIn === undefined || headSha === undefined) throw invalid(wrong('head'));
  if (baseSha === undefined) throw invalid(wrong('base'));
  const custom = (message: string) => invalid({ resource: 'PullRequest', code: 'custom', message });
  const twin = pullsOf(repository).find(
    (one) =>
      one.state === 'open' &&
      one.pull.headIn === headIn &&
      one.pull.headRef === headRef &&
      one.pull.baseRef === wish.base,
  );
  if (twin !== undefined) throw custom(`A pull request already exists for ${owner}:${headRef}.`);
  if (headIn !== repository) await site.git.bring(repository.path, headIn.path, headSha);
  if (await site.git.isAncestor(repository.path, headSha, baseSha)) {
    throw custom(`No commits between ${wish.base} and ${headRef}`);
  }
  const now = site.world.now();
  const id = site.world.nextId();
  const issue: PullIssue = {
    id: site.world.nextId(),
    number: nextNumber(repository),
    title: wish.title,
    body: wish.body ?? null,
    user,
    state: 'open',
    stateReason: null,
    labels: [],
    assignees: [],
    comments: [],
    blockedBy: [],
    createdAt: now,
    updatedAt: now,
    closedAt: null,
    closedBy: null,
    pull: {
      id,
      headIn,
      headRef,
      headSha,
      baseRef: wish.base,
      baseSha,
      draft: wish.draft ?? false,
      merged: null,
      requestedReviewers: [],
      reviews: [],
      computed: null,
      testMerge: null,
    },
  };
  repository.issues.set(issue.number, issue);
  await site.git.updateRef(repository.path, `refs/pull/${issue.number}/head`, headSha);
  return issue;
}

/** `branch`, or `owner:branch` of this repository or of somebody's fork of it. */
function headOf(
  { world }: Site,
  repository: Repository,
  head: string,
): { headIn: Repository | undefined; owner: string; headRef: string } {
  const [owner = '', headRef = ''] = head.includes(':') ? head.split(':', 2) : [repository.owner.login, head];
  const isOf = (one: Repository): boolean => one.owner.login.toLowerCase() === owner.toLowerCase();
  const fork = [...world.repositories.values()].find((one) => one.forkOf === repository && isOf(one));
  return { headIn: isOf(repository) ? repository : fork, owner, headRef };
}

function listed(c: Ctx, repository: Repository): PullIssue[] {
  const state = c.req.query('state') ?? 'open';
  const head = c.req.query('head');
  const base = c.req.query('base');
  const sort = c.req.query('sort') ?? 'created';
  const direction = c.req.query('direction') ?? (sort === 'created' ? 'desc' : 'asc');
  const key = (issue: PullIssue): string => (sort === 'updated' ? issue.updatedAt : issue.createdAt);
  const found = pullsOf(repository).filter(
    (issue) =>
      (state === 'all' || issue.state === state) &&
      // Without an owner GitHub ignores the filter; so do we, for whoever forgot it.
      (head === undefined ||
        !head.includes(':') ||
        `${issue.pull.headIn.owner.login}:${issue.pull.headRef}` === head) &&
      (base === undefined || issue.pull.baseRef === base),
  );
  found.sort((a, b) => key(a).localeCompare(key(b)) || a.number - b.number);
  return direction === 'desc' ? found.toReversed() : found;
}

async function change(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  by: User,
  wish: z.infer<typeof updateWish>,
): Promise<void> {
  const { pull } = issue;
  const changes: {
    title?: { from: string };
    body?: { from: string };
    base?: { ref: { from: string }; sha: { from: string } };
  } = {};
  if (wish.base !== undefined && wish.base !== pull.baseRef) {
    const sha = repository.branches.get(wish.base);
    if (sha === undefined) throw invalid({ resource: 'PullRequest', field: 'base', code: 'invalid' });
    changes.base = { ref: { from: pull.baseRef }, sha: { from: pull.baseSha } };
    pull.baseRef = wish.base;
    pull.baseSha = sha;
  }
  if (wish.title !== undefined && wish.title !== issue.title) {
    changes.title = { from: issue.title };
    issue.title = wish.title;
  }
  if (wish.body !== undefined && wish.body !== issue.body) {
    changes.body = { from: issue.body ?? '' };
    issue.body = wish.body;
  }
  if (Object.keys(changes).length > 0) {
    issue.updatedAt = site.world.now();
    site.emit(repository, 'pull_request', {
      action: 'edited',
      number: issue.number,
      changes,
      pull_request: await pullShape(site, repository, issue),
      repository: repositoryShape(site, repository),
      sender: userShape(site, by),
    });
  }
  if (wish.state === 'closed' && issue.state === 'open') await closePull(site, repository, issue, by);
  if (wish.state === 'open' && issue.state === 'closed') {
    const cannot = (message: string) => invalid({ resource: 'PullRequest', code: 'invalid', field: 'state', message });
    if (pull.merged !== null) throw cannot('state cannot be changed. The pull request has been merged.');
    if (!pull.headIn.branches.has(pull.headRef)) {
      throw cannot(`state cannot be changed. The ${pull.headRef} branch has been deleted.`);
    }
    await reopenPull(site, repository, issue, by);
  }
}

/** Only collaborators can be asked, and never the author. */
function reviewerOf(site: Site, repository: Repository, issue: PullIssue, login: string): User {
  const user = userOf(site.world, login);
  if (user === issue.user) throw new HttpError(422, 'Review cannot be requested from pull request author.');
  const known = user !== undefined && (repository.owner === user || repository.collaborators.has(user.id));
  if (!known || permissionOf(repository, user) === undefined) {
    throw new HttpError(
      422,
      `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${repository.fullName} repository.`,
    );
  }
  return user;
}

async function tellRequest(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  reviewer: User,
  by: User,
  action: 'review_requested' | 'review_request_removed',
): Promise<void> {
  const told = {
    number: issue.number,
    pull_request: await pullShape(site, repository, issue),
    requested_reviewer: userShape(site, reviewer),
    repository: repositoryShape(site, repository),
    sender: userShape(site, by),
  };
  // The vendor's type has one shape for each action, so each is spelled.
  if (action === 'review_requested') site.emit(repository, 'pull_request', { action, ...told });
  else site.emit(repository, 'pull_request', { action, ...told });
}
