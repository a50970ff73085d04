/** Users and Apps as GitHub shows them. */
import type { Site } from '../site.ts';
import type { User } from '../world.ts';
import { nodeId } from '../world.ts';
import type { Hook, Rest } from './types.ts';

export function userShape(site: Site, user: User) {
  const api = `${site.apiUrl}/users/${encodeURIComponent(user.login)}`;
  return {
    login: user.login,
    id: user.id,
    node_id: nodeId(user.type === 'Bot' ? 'BOT' : 'U', user.id),
    avatar_url: `${site.url}/avatars/u/${user.id}`,
    gravatar_id: '',
    url: api,
    html_url: `${site.url}/${user.app === undefined ? user.login : `apps/${user.app.slug}`}`,
    followers_url: `${api}/followers`,
    following_url: `${api}/following{/other_user}`,
    gists_url: `${api}/gists{/gist_id}`,
    starred_url: `${api}/starred{/owner}{/repo}`,
    subscriptions_url: `${api}/subscriptions`,
    organizations_url: `${api}/orgs`,
    repos_url: `${api}/repos`,
    events_url: `${api}/events{/privacy}`,
    received_events_url: `${api}/received_events`,
    type: user.type,
    site_admin: false,
  } satisfies Rest['simple-user'] & Hook.User;
}

export function publicUserShape(site: Site, user: User): Rest['public-user'] {
  return {
    ...userShape(site, user),
    name: user.name,
    company: null,
    blog: '',
    location: null,
    email: user.email,
    hireable: null,
    bio: null,
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: user.createdAt,
    updated_at: user.createdAt,
  };
}

/** The App a bot acts for. Checks of a user without one do not exist. */
export function appShape(site: Site, bot: User) {
  const id = bot.app?.id ?? bot.id;
  const slug = bot.app?.slug ?? bot.login.replace(/\[bot\]$/, '');
  return {
    id,
    slug,
    node_id: nodeId('A', id),
    owner: userShape(site, bot),
    name: slug,
    description: null,
    external_url: `${site.url}/apps/${slug}`,
    html_url: `${site.url}/apps/${slug}`,
    created_at: bot.createdAt,
    updated_at: bot.createdAt,
    permissions: { checks: 'write', contents: 'write', issues: 'write', metadata: 'read', pull_requests: 'write' },
    events: ['check_run', 'check_suite', 'pull_request', 'push'],
  } satisfies NonNullable<Rest['nullable-integration']> & Hook.App;
}

/** No reactions are kept. */
export function reactionsShape(url: string) {
  return {
    url: `${url}/reactions`,
    total_count: 0,
    '+1': 0,
    '-1': 0,
    laugh: 0,
    hooray: 0,
    confused: 0,
    heart: 0,
    rocket: 0,
    eyes: 0,
  } satisfies Rest['reaction-rollup'] & Hook.Reactions;
}
