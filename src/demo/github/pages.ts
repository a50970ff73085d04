/** The few pages a person may open from a link: a pull request or issue with its conversation, as plain HTML. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { html, raw } from 'hono/html';
import { tokenIn, viewerOf, may } from './access.ts';
import { outcomes, verdicts } from './mergeability.ts';
import { isPull } from './pull.ts';
import type { Site } from './site.ts';
import type { Issue, Repository } from './world.ts';
import { repositoryOf } from './world.ts';

const PAGE = /^\/([^/]+)\/([^/]+)\/(?:pull|issues)\/(\d+)$/;

/** Answers a page if this asks for one. */
export function pageOf(site: Site, request: IncomingMessage, response: ServerResponse): boolean {
  const match = PAGE.exec(new URL(request.url ?? '/', 'http://stand-in').pathname);
  if (match === null || request.method !== 'GET') return false;
  const repository = repositoryOf(site.world, `${match[1]}/${match[2]}`);
  const issue = repository?.issues.get(Number(match[3]));
  const token = tokenIn(request.headers.authorization);
  const viewer = token === undefined ? null : (viewerOf(site.world, token) ?? null);
  if (repository === undefined || issue === undefined || !may(repository, viewer, 'read')) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('Not Found\n');
    return true;
  }
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  void Promise.resolve(render(repository, issue)).then((page) => response.end(page.toString()));
  return true;
}

function render(repository: Repository, issue: Issue) {
  const title = `${issue.title} · #${issue.number} · ${repository.fullName}`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
        <style>
          ${raw('body{font:16px/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}pre{white-space:pre-wrap}')}
        </style>
      </head>
      <body>
        <h1>${issue.title} #${issue.number}</h1>
        <p>${isPull(issue) && issue.pull.merged !== null ? 'merged' : issue.state} · by ${issue.user.login}</p>
        <pre>${issue.body ?? ''}</pre>
        ${isPull(issue) ? facts(repository, issue) : ''}
        ${issue.comments.map(
          (comment) =>
            html`<h3>${comment.user.login}</h3>
              <pre>${comment.body}</pre>`,
        )}
      </body>
    </html>`;
}

function facts(repository: Repository, issue: Parameters<typeof verdicts>[0]) {
  const { pull } = issue;
  return html`<p>${pull.headRef} → ${pull.baseRef}, head ${pull.headSha.slice(0, 12)}</p>
    <ul>
      ${[...outcomes(repository, pull.headSha)].map(([name, outcome]) => html`<li>${name}: ${outcome}</li>`)}
    </ul>
    ${pull.reviews
      .filter((review) => review.state !== 'PENDING')
      .map(
        (review) =>
          html`<h3>${review.user.login}: ${review.state} on ${review.commitId.slice(0, 12)}</h3>
            <pre>${review.body}</pre>
            ${review.comments.map(
              (comment) =>
                html`<p>${comment.path}:${comment.line}</p>
                  <pre>${comment.body}</pre>`,
            )}`,
      )}`;
}
