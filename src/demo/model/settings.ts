/** How real programs are told of a model on loopback. */

export const MODEL_KEY = 'not-a-secret';

/** Where nobody listens: every connection is refused. */
export const NOBODY = 'http://127.0.0.1:9';

/** Codex, and what is built on it. Its environment needs `MODEL_KEY`. */
export function codexAt(url: string): Record<string, string | number> {
  return {
    model: 'stand-in',
    model_provider: 'stand-in',
    'model_providers.stand-in.name': 'stand-in',
    'model_providers.stand-in.base_url': `${url}/v1`,
    'model_providers.stand-in.wire_api': 'responses',
    'model_providers.stand-in.env_key': 'MODEL_KEY',
    'model_providers.stand-in.request_max_retries': 0,
    'model_providers.stand-in.stream_max_retries': 0,
  };
}

/** Claude Code's environment. */
export function claudeAt(url: string): Record<string, string> {
  return {
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: MODEL_KEY,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
  };
}
