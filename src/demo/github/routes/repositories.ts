/** Repositories, branches and their protection, refs, commits and comparisons. */
import { Hono } from 'hono';
import { z } from 'zod';
import { repositoryIn, viewerIn } from '../access.ts';
import type { Ctx, Env } from '../answers.ts';
import { bodyOf, HttpError, invalid, notFound, page } from '../answers.ts';
import { NO_COMMIT } from '../git.ts';
import { moved } from '../moves.ts';
import { pullsOf } from '../pull.ts';
import { commitShape, fileShape } from '../shapes/commit.ts';
import { pullSimpleShape } from '../shapes/pull.ts';
import {
  apiOf,
  fullRepositoryShape,
  htmlOf,
  protectionShape,
  protectionSummary,
  rulesShape,
} from '../shapes/repository.ts';
import type { Rest } from '../shapes/types.ts';
import type { Site } from '../site.ts';
import type { Repository } from '../world.ts';
import { nodeId } from '../world.ts';

/** GitHub shows this many commits and files of a comparison. */
const COMPARE_MAX = 250;
/** Commits listed at most. */
const HISTORY_MAX = 1_000;
const REPO = '/repos/:owner/:repo';

export function repositoryRoutes(site: Site): Hono<Env> {
  const app = new Hono<Env>();
  const { world, git } = site;

  app.get(REPO, (c) => {
    const repository = repositoryIn(c, world);
    return c.json(fullRepositoryShape(site, repository, c.get('viewer')));
  });

  app.get(`${REPO}/branches`, (c) => {
    const repository = repositoryIn(c, world);
    const all = [...repository.branches].map(([name, sha]) => branchShort(site, repository, name, sha));
    return c.json(page(c, all));
  });

  // Branch names have slashes, so the endings are told apart by hand.
  app.get(`${REPO}/branches/:rest{.+}`, async (c) => {
    const repository = repositoryIn(c, world);
    const rest = c.req.param('rest');
    const ending = /^(.+)\/protection$/.exec(rest);
    if (ending?.[1] !== undefined && !repository.branches.has(rest)) {
      return c.json(protectionOf(site, c, ending[1]));
    }
    const sha = repository.branches.get(rest);
    if (sha === undefined) throw new HttpError(404, 'Branch not found');
    const html = `${htmlOf(site, repository)}/tree/${rest}`;
    const self = `${apiOf(site, repository)}/branches/${rest}`;
    return c.json({
      name: rest,
      commit: commitShape(site, repository, await git.commit(repository.path, sha)),
      _links: { self, html },
      protected: repository.protection.has(rest),
      protection: protectionSummary(site, repository, rest),
      protection_url: `${self}/protection`,
    } satisfies Rest['branch-with-protection']);
  });

  app.get(`${REPO}/rules/branches/:branch{.+}`, (c) => {
    const repository = repositoryIn(c, world);
    return c.json(page(c, rulesShape(repository, c.req.param('branch'))));
  });

  app.get(`${REPO}/commits`, async (c) => {
    const repository = repositoryIn(c, world);
    const from = await git.resolve(repository.path, c.req.query('sha') ?? repository.defaultBranch);
    if (from === undefined) throw notFound();
    const all = (await git.history(repository.path, from, HISTORY_MAX)).map((commit) =>
      commitShape(site, repository, commit),
    );
    return c.json(page(c, all));
  });

  app.get(`${REPO}/commits/:ref/pulls`, async (c) => {
    const repository = repositoryIn(c, world);
    const sha = await git.resolve(repository.path, c.req.param('ref'));
    if (sha === undefined) throw notFound();
    const all = pullsOf(repository).filter((issue) => issue.pull.headSha === sha || issue.pull.merged?.sha === sha);
    return c.json(
      page(
        c,
        all.map((issue) => pullSimpleShape(site, repository, issue)),
      ),
    );
  });

  app.get(`${REPO}/compare/:range{.+}`, async (c) => c.json(await compare(site, c, c.req.param('range'))));

  app.get(`${REPO}/git/matching-refs/:prefix{.+}`, async (c) => {
    const repository = repositoryIn(c, world);
    const refs = await git.refs(repository.path, `refs/${c.req.param('prefix')}`);
    return c.json(
      page(
        c,
        refs.map((ref) => refShape(site, repository, ref)),
      ),
    );
  });

  app.get(`${REPO}/git/ref/:name{.+}`, async (c) => {
    const repository = repositoryIn(c, world);
    const name = `refs/${c.req.param('name')}`;
    const found = (await git.refs(repository.path, name)).find((ref) => ref.ref === name);
    if (found === undefined) throw notFound();
    return c.json(refShape(site, repository, found));
  });

  app.post(`${REPO}/git/refs`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const viewer = viewerIn(c);
    const wish = await bodyOf(c, 'Reference', z.object({ ref: z.string().startsWith('refs/heads/'), sha: z.string() }));
    return repository.turn(async () => {
      const branch = wish.ref.slice('refs/heads/'.length);
      if (repository.branches.has(branch)) throw new HttpError(422, 'Reference already exists');
      if ((await git.resolve(repository.path, wish.sha)) !== wish.sha)
        throw new HttpError(422, 'Object does not exist');
      await git.updateRef(repository.path, wish.ref, wish.sha, NO_COMMIT);
      await moved(site, repository, viewer.user);
      return c.json(refShape(site, repository, { ref: wish.ref, sha: wish.sha, type: 'commit' }), 201);
    });
  });

  app.delete(`${REPO}/git/refs/:name{.+}`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const viewer = viewerIn(c);
    const branch = c.req.param('name').replace(/^heads\//, '');
    return repository.turn(async () => {
      if (!repository.branches.has(branch)) throw new HttpError(422, 'Reference does not exist');
      if (repository.protection.has(branch) || branch === repository.defaultBranch) {
        throw invalid({ resource: 'Reference', code: 'custom', message: 'Cannot delete this branch' });
      }
      await git.deleteRef(repository.path, `refs/heads/${branch}`);
      await moved(site, repository, viewer.user);
      return c.body(null, 204);
    });
  });

  return app;
}

/** Commits are looked at one by one by whoever asks for `GET /commits/<ref>`; kept apart, its path is the widest. */
export function commitRoute(site: Site): Hono<Env> {
  const app = new Hono<Env>();
  app.get(`${REPO}/commits/:ref{.+}`, async (c) => {
    const repository = repositoryIn(c, site.world);
    const sha = await site.git.resolve(repository.path, c.req.param('ref'));
    if (sha === undefined) throw new HttpError(422, `No commit found for SHA: ${c.req.param('ref')}`);
    const commit = await site.git.commit(repository.path, sha);
    const [parent] = commit.parents;
    const files = parent === undefined ? [] : await site.git.diff(repository.path, parent, sha);
    const additions = files.reduce((sum, file) => sum + file.additions, 0);
    const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
    return c.json({
      ...commitShape(site, repository, commit),
      stats: { additions, deletions, total: additions + deletions },
      files: files.map((file) => fileShape(site, repository, sha, file)),
    } satisfies Rest['commit']);
  });
  return app;
}

/** Administrators only; for others it does not exist. */
function protectionOf(site: Site, c: Ctx, branch: string): Rest['branch-protection'] {
  const repository = repositoryIn(c, site.world, 'admin');
  const protection = repository.protection.get(branch);
  if (!repository.branches.has(branch)) throw new HttpError(404, 'Branch not found');
  if (protection === undefined || protection.as === 'ruleset') throw new HttpError(404, 'Branch not protected');
  return protectionShape(site, repository, branch, protection);
}

function branchShort(site: Site, repository: Repository, name: string, sha: string): Rest['short-branch'] {
  return {
    name,
    commit: { sha, url: `${apiOf(site, repository)}/commits/${sha}` },
    protected: repository.protection.has(name),
    protection: protectionSummary(site, repository, name),
    protection_url: `${apiOf(site, repository)}/branches/${name}/protection`,
  };
}

function refShape(
  site: Site,
  repository: Repository,
  ref: { ref: string; sha: string; type: string },
): Rest['git-ref'] {
  const api = apiOf(site, repository);
  return {
    ref: ref.ref,
    node_id: nodeId('REF', repository.id),
    url: `${api}/git/${ref.ref}`,
    object: { sha: ref.sha, type: ref.type, url: `${api}/git/${ref.type}s/${ref.sha}` },
  };
}

async function compare(site: Site, c: Ctx, range: string): Promise<Rest['commit-comparison']> {
  const repository = repositoryIn(c, site.world);
  const { git } = site;
  const [base = '', head = ''] = range.split('...');
  const bare = (name: string): string => name.slice(name.indexOf(':') + 1);
  const from = await git.resolve(repository.path, bare(base));
  const to = await git.resolve(repository.path, bare(head));
  if (from === undefined || to === undefined) throw notFound();
  const fork = await git.mergeBase(repository.path, from, to);
  if (fork === undefined) throw new HttpError(404, `No common ancestor between ${base} and ${head}.`);
  const ahead = await git.commits(repository.path, from, to);
  const behind = await git.commits(repository.path, to, from);
  const files = await git.diff(repository.path, fork, to);
  const html = `${htmlOf(site, repository)}/compare/${range}`;
  const shape = async (sha: string) => commitShape(site, repository, await git.commit(repository.path, sha));
  return {
    url: `${apiOf(site, repository)}/compare/${range}`,
    html_url: html,
    permalink_url: `${htmlOf(site, repository)}/compare/${from.slice(0, 12)}...${to.slice(0, 12)}`,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    base_commit: await shape(from),
    merge_base_commit: await shape(fork),
    status: statusOf(ahead.length, behind.length),
    ahead_by: ahead.length,
    behind_by: behind.length,
    total_commits: ahead.length,
    commits: ahead.slice(0, COMPARE_MAX).map((commit) => commitShape(site, repository, commit)),
    files: files.slice(0, COMPARE_MAX).map((file) => fileShape(site, repository, to, file)),
  };
}

function statusOf(ahead: number, behind: number): 'diverged' | 'ahead' | 'behind' | 'identical' {
  if (ahead > 0) return behind > 0 ? 'diverged' : 'ahead';
  return behind > 0 ? 'behind' : 'identical';
}
