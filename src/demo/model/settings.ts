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

/** What opencode's environment says: a provider of its own, no look at any other, and to ask before it runs commands. */
export function opencodeAt(url: string, allow: 'ask' | 'allow' = 'ask'): Record<string, string> {
  const config = {
    provider: {
      'stand-in': {
        npm: '@ai-sdk/openai-compatible',
        name: 'stand-in',
        options: { baseURL: `${url}/v1`, apiKey: MODEL_KEY },
        models: { 'stand-in': { name: 'stand-in', limit: { context: 200_000, output: 10_000 } } },
      },
    },
    model: 'stand-in/stand-in',
    small_model: 'stand-in/stand-in',
    autoupdate: false,
    share: 'disabled',
    permission: { bash: allow, edit: allow },
  };
  return {
    OPENCODE_CONFIG_CONTENT: JSON.stringify(config),
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
  };
}
