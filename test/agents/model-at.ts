/** The model on loopback, as codex and what is built on it are told of it. */
export function modelAt(url: string): Record<string, string | number> {
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
