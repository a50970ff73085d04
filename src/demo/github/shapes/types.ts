/** The vendor's own types: what the REST API answers and what webhooks carry, from Octokit's packages. */
import type { components } from '@octokit/openapi-types';

export type Rest = components['schemas'];
export type * as Hook from '@octokit/webhooks-types';
