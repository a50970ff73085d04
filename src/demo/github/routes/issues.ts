/** Issues and their comments; a pull request's conversation is its issue's. */
import { Hono } from 'hono';
import { z } from 'zod';
import { may, repositoryIn, viewerIn } from '../access.ts';
import type { Ctx, Env } from '../answers.ts';
import { bodyOf, forbidden, invalid, notFound, numberParam, page } from '../answers.ts';
import { closePull, reopenPull } from '../pull-life.ts';
import { isPull } from '../pull.ts';
import { commentShape, issueShape, labelShape } from '../shapes/issue.ts';
import { repositoryShape } from '../shapes/repository.ts';
import type { Rest } from '../shapes/types.ts';
import { userShape } from '../shapes/user.ts';
import type { Site } from '../site.ts';
import type { Comment, Issue, Label, Repository, User } from '../world.ts';
import { nextNumber, userOf } from '../world.ts';

const ISSUES = '/repos/:owner/:repo/issues';

const labelsWish = z.array(z.union([z.string(), z.object({ name: z.string() }).transform((label) => label.name)]));
const createWish = z.object({
  title: z.string().min(1),
  body: z.string().nullish(),
  assignees: z.array(z.string()).default([]),
  labels: labelsWish.default([]),
});
const updateWish = z.object({
  title: z.string().min(1).optional(),
  body: z.string().nullish(),
  state: z.enum(['open', 'closed']).optional(),
  state_reason: z.enum(['completed', 'not_planned', 'reopened']).nullish(),
  assignees: z.array(z.string()).optional(),
  labels: labelsWish.optional(),
});
const commentWish = z.object({ body: z.string().min(1) });

export function issueRoutes(site: Site): Hono<Env> {
  const app = new Hono<Env>();
  const { world } = site;

  app.post(ISSUES, async (c) => {
    const repository = repositoryIn(c, world);
    const { user } = viewerIn(c);
    const wish = await bodyOf(c, 'Issue', createWish);
    const now = world.now();
    const issue: Issue = {
      id: world.nextId(),
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
    };
    repository.issues.set(issue.number, issue);
    const told = about(site, repository, issue, user);
    site.emit(repository, 'issues', {
      action: 'opened',
      ...told,
      issue: { ...told.issue, state: 'open', closed_at: null },
    });
    // Without write access GitHub drops these silently.
    if (may(repository, viewerIn(c), 'write')) {
      assign(site, repository, issue, wish.assignees, user);
      label(site, repository, issue, wish.labels, user);
    }
    return c.json(issueShape(site, repository, issue) satisfies Rest['issue'], 201);
  });

  app.get(ISSUES, (c) => {
    const repository = repositoryIn(c, world);
    const found = listed(c, repository).map((issue) => issueShape(site, repository, issue));
    return c.json(page(c, found));
  });

  app.get(`${ISSUES}/comments/:comment`, (c) => {
    const repository = repositoryIn(c, world);
    const { issue, comment } = commentIn(c, repository);
    return c.json(commentShape(site, repository, issue, comment));
  });

  app.get(`${ISSUES}/comments`, (c) => {
    const repository = repositoryIn(c, world);
    const all = [...repository.issues.values()].flatMap((issue) =>
      since(c, issue.comments).map((comment) => commentShape(site, repository, issue, comment)),
    );
    return c.json(page(c, all));
  });

  app.patch(`${ISSUES}/comments/:comment`, async (c) => {
    const repository = repositoryIn(c, world);
    const { issue, comment } = commentIn(c, repository);
    const viewer = viewerIn(c);
    if (comment.user !== viewer.user && !may(repository, viewer, 'write'))
      throw forbidden('Must have admin rights to Repository.');
    const wish = await bodyOf(c, 'IssueComment', commentWish);
    const from = comment.body;
    comment.body = wish.body;
    comment.updatedAt = world.now();
    site.emit(repository, 'issue_comment', {
      action: 'edited',
      changes: { body: { from } },
      ...aboutComment(site, repository, issue, comment, viewer.user),
    });
    return c.json(commentShape(site, repository, issue, comment));
  });

  app.delete(`${ISSUES}/comments/:comment`, (c) => {
    const repository = repositoryIn(c, world);
    const { issue, comment } = commentIn(c, repository);
    const viewer = viewerIn(c);
    if (comment.user !== viewer.user && !may(repository, viewer, 'write'))
      throw forbidden('Must have admin rights to Repository.');
    const told = aboutComment(site, repository, issue, comment, viewer.user);
    issue.comments = issue.comments.filter((one) => one !== comment);
    site.emit(repository, 'issue_comment', { action: 'deleted', ...told });
    return c.body(null, 204);
  });

  /** One issue asked for by itself also says who closed it. */
  const wholeIssue = (repository: Repository, issue: Issue): Rest['issue'] => ({
    ...issueShape(site, repository, issue),
    closed_by: issue.closedBy === null ? null : userShape(site, issue.closedBy),
  });

  app.get(`${ISSUES}/:number`, (c) => {
    const repository = repositoryIn(c, world);
    return c.json(wholeIssue(repository, issueIn(c, repository)));
  });

  app.patch(`${ISSUES}/:number`, async (c) => {
    const repository = repositoryIn(c, world);
    const issue = issueIn(c, repository);
    const viewer = viewerIn(c);
    if (issue.user !== viewer.user) repositoryIn(c, world, 'write');
    const wish = await bodyOf(c, 'Issue', updateWish);
    await change(site, repository, issue, viewer.user, wish);
    return c.json(wholeIssue(repository, issue));
  });

  app.get(`${ISSUES}/:number/comments`, (c) => {
    const repository = repositoryIn(c, world);
    const issue = issueIn(c, repository);
    const all = since(c, issue.comments).map((comment) => commentShape(site, repository, issue, comment));
    return c.json(page(c, all) satisfies Rest['issue-comment'][]);
  });

  app.post(`${ISSUES}/:number/comments`, async (c) => {
    const repository = repositoryIn(c, world);
    const issue = issueIn(c, repository);
    const { user } = viewerIn(c);
    const wish = await bodyOf(c, 'IssueComment', commentWish);
    const now = world.now();
    const comment: Comment = { id: world.nextId(), user, body: wish.body, createdAt: now, updatedAt: now };
    issue.comments.push(comment);
    issue.updatedAt = now;
    site.emit(repository, 'issue_comment', {
      action: 'created',
      ...aboutComment(site, repository, issue, comment, user),
    });
    return c.json(commentShape(site, repository, issue, comment), 201);
  });

  app.post(`${ISSUES}/:number/assignees`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const issue = issueIn(c, repository);
    const wish = await bodyOf(c, 'Issue', z.object({ assignees: z.array(z.string()) }));
    assign(site, repository, issue, wish.assignees, viewerIn(c).user);
    return c.json(issueShape(site, repository, issue), 201);
  });

  app.delete(`${ISSUES}/:number/assignees`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const issue = issueIn(c, repository);
    const wish = await bodyOf(c, 'Issue', z.object({ assignees: z.array(z.string()) }));
    unassign(site, repository, issue, wish.assignees, viewerIn(c).user);
    return c.json(issueShape(site, repository, issue));
  });

  app.get(`${ISSUES}/:number/labels`, (c) => {
    const repository = repositoryIn(c, world);
    return c.json(
      page(
        c,
        issueIn(c, repository).labels.map((one) => labelShape(site, repository, one)),
      ),
    );
  });

  app.post(`${ISSUES}/:number/labels`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const issue = issueIn(c, repository);
    const wish = await bodyOf(c, 'Label', z.object({ labels: labelsWish }));
    label(site, repository, issue, wish.labels, viewerIn(c).user);
    return c.json(issue.labels.map((one) => labelShape(site, repository, one)));
  });

  app.delete(`${ISSUES}/:number/labels/:label`, (c) => {
    const repository = repositoryIn(c, world, 'write');
    const issue = issueIn(c, repository);
    const name = c.req.param('label');
    if (!issue.labels.some((one) => one.name === name)) throw notFound();
    unlabel(site, repository, issue, name, viewerIn(c).user);
    return c.json(issue.labels.map((one) => labelShape(site, repository, one)));
  });

  app.get(`${ISSUES}/:number/dependencies/blocked_by`, (c) => {
    const repository = repositoryIn(c, world);
    const blockers = issueIn(c, repository).blockedBy.flatMap((number) => repository.issues.get(number) ?? []);
    return c.json(
      page(
        c,
        blockers.map((issue) => issueShape(site, repository, issue)),
      ),
    );
  });

  app.post(`${ISSUES}/:number/dependencies/blocked_by`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const issue = issueIn(c, repository);
    const wish = await bodyOf(c, 'IssueDependency', z.object({ issue_id: z.number().int() }));
    const blocker = [...repository.issues.values()].find((one) => one.id === wish.issue_id);
    if (blocker === undefined) throw notFound();
    if (!issue.blockedBy.includes(blocker.number)) issue.blockedBy.push(blocker.number);
    return c.json(issueShape(site, repository, issue), 201);
  });

  return app;
}

function issueIn(c: Ctx, repository: Repository): Issue {
  const issue = repository.issues.get(numberParam(c, 'number'));
  if (issue === undefined) throw notFound();
  return issue;
}

function commentIn(c: Ctx, repository: Repository): { issue: Issue; comment: Comment } {
  const id = numberParam(c, 'comment');
  for (const issue of repository.issues.values()) {
    const comment = issue.comments.find((one) => one.id === id);
    if (comment !== undefined) return { issue, comment };
  }
  throw notFound();
}

function since(c: Ctx, comments: readonly Comment[]): Comment[] {
  const from = c.req.query('since');
  return comments.filter((comment) => from === undefined || Date.parse(comment.updatedAt) >= Date.parse(from));
}

function listed(c: Ctx, repository: Repository): Issue[] {
  const query = (name: string): string | undefined => c.req.query(name);
  const state = query('state') ?? 'open';
  const from = query('since');
  const names = (query('labels') ?? '').split(',').filter((name) => name !== '');
  const assignee = query('assignee');
  const key = (issue: Issue): string => (query('sort') === 'updated' ? issue.updatedAt : issue.createdAt);
  const found = [...repository.issues.values()].filter(
    (issue) =>
      (state === 'all' || issue.state === state) &&
      (from === undefined || Date.parse(issue.updatedAt) >= Date.parse(from)) &&
      names.every((name) => issue.labels.some((one) => one.name === name)) &&
      (assignee === undefined || assignee === '*' || issue.assignees.some((user) => user.login === assignee)),
  );
  found.sort((a, b) => key(a).localeCompare(key(b)) || a.number - b.number);
  return query('direction') === 'asc' ? found : found.toReversed();
}

const about = (site: Site, repository: Repository, issue: Issue, by: User) => ({
  issue: issueShape(site, repository, issue),
  repository: repositoryShape(site, repository),
  sender: userShape(site, by),
});

const aboutComment = (site: Site, repository: Repository, issue: Issue, comment: Comment, by: User) => ({
  ...about(site, repository, issue, by),
  comment: commentShape(site, repository, issue, comment),
});

async function change(
  site: Site,
  repository: Repository,
  issue: Issue,
  by: User,
  wish: z.infer<typeof updateWish>,
): Promise<void> {
  const changes: { title?: { from: string }; body?: { from: string } } = {};
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
    site.emit(repository, 'issues', { action: 'edited', changes, ...about(site, repository, issue, by) });
  }
  if (wish.assignees !== undefined) {
    const kept = wish.assignees;
    const gone = issue.assignees.filter((user) => !kept.includes(user.login)).map((user) => user.login);
    unassign(site, repository, issue, gone, by);
    assign(site, repository, issue, kept, by);
  }
  if (wish.labels !== undefined) {
    const kept = wish.labels;
    for (const one of issue.labels.filter((old) => !kept.includes(old.name)))
      unlabel(site, repository, issue, one.name, by);
    label(site, repository, issue, kept, by);
  }
  if (wish.state !== undefined && wish.state !== issue.state) {
    if (isPull(issue)) {
      if (issue.pull.merged !== null) {
        throw invalid({
          resource: 'Issue',
          code: 'invalid',
          field: 'state',
          message: 'The pull request has been merged.',
        });
      }
      await (wish.state === 'closed' ? closePull : reopenPull)(site, repository, issue, by);
    } else {
      turn(site, repository, issue, by, wish.state, wish.state_reason ?? null);
    }
  }
}

/** Closes or re-opens an issue. */
function turn(
  site: Site,
  repository: Repository,
  issue: Issue,
  by: User,
  state: 'open' | 'closed',
  reason: Issue['stateReason'],
): void {
  const now = site.world.now();
  issue.state = state;
  issue.updatedAt = now;
  issue.closedAt = state === 'closed' ? now : null;
  issue.closedBy = state === 'closed' ? by : null;
  issue.stateReason = reason ?? (state === 'closed' ? 'completed' : 'reopened');
  const told = about(site, repository, issue, by);
  if (state === 'closed') {
    site.emit(repository, 'issues', { action: 'closed', ...told, issue: { ...told.issue, state, closed_at: now } });
  } else {
    site.emit(repository, 'issues', { action: 'reopened', ...told, issue: { ...told.issue, state } });
  }
}

/** Adds assignees; whoever has no access is left out, as GitHub does. */
function assign(site: Site, repository: Repository, issue: Issue, logins: readonly string[], by: User): void {
  for (const login of logins) {
    const user = userOf(site.world, login);
    const member = user !== undefined && (user === repository.owner || repository.collaborators.has(user.id));
    if (!member || issue.assignees.includes(user)) continue;
    issue.assignees.push(user);
    issue.updatedAt = site.world.now();
    const told = { ...about(site, repository, issue, by), assignee: userShape(site, user) };
    if (!isPull(issue)) site.emit(repository, 'issues', { action: 'assigned', ...told });
  }
}

function unassign(site: Site, repository: Repository, issue: Issue, logins: readonly string[], by: User): void {
  for (const user of issue.assignees.filter((one) => logins.includes(one.login))) {
    issue.assignees = issue.assignees.filter((one) => one !== user);
    issue.updatedAt = site.world.now();
    const told = { ...about(site, repository, issue, by), assignee: userShape(site, user) };
    if (!isPull(issue)) site.emit(repository, 'issues', { action: 'unassigned', ...told });
  }
}

/** A label that the repository does not have is made. */
function label(site: Site, repository: Repository, issue: Issue, names: readonly string[], by: User): void {
  for (const name of names) {
    if (issue.labels.some((one) => one.name === name)) continue;
    const known = repository.labels.find((one) => one.name === name);
    const fresh: Label = known ?? { id: site.world.nextId(), name, color: 'ededed', description: null };
    if (known === undefined) repository.labels.push(fresh);
    issue.labels.push(fresh);
    issue.updatedAt = site.world.now();
    const told = { ...about(site, repository, issue, by), label: labelShape(site, repository, fresh) };
    if (!isPull(issue)) site.emit(repository, 'issues', { action: 'labeled', ...told });
  }
}

function unlabel(site: Site, repository: Repository, issue: Issue, name: string, by: User): void {
  const gone = issue.labels.find((one) => one.name === name);
  if (gone === undefined) return;
  issue.labels = issue.labels.filter((one) => one !== gone);
  issue.updatedAt = site.world.now();
  const told = { ...about(site, repository, issue, by), label: labelShape(site, repository, gone) };
  if (!isPull(issue)) site.emit(repository, 'issues', { action: 'unlabeled', ...told });
}
