/**
 * One connection to the NATS server, for the runtime's bus as for clients: reconnects without end, says when it is
 * away, and fails at once what is asked of it meanwhile. Errors of the library become `BusError` here.
 */
import { connect, createInbox, credsAuthenticator, DebugEvents, ErrorCode, Events, NatsError } from 'nats';
import type { ApiError, ConnectionOptions, Msg, MsgHdrs, NatsConnection } from 'nats';
import { BusError } from './bus.ts';
import { checkNamespace } from './subject.ts';

export interface ConnectOptions {
  /** `nats://host:port`, one or several of a cluster. */
  servers: string | readonly string[];
  namespace: string;
  user?: string | undefined;
  pass?: string | undefined;
  token?: string | undefined;
  /** Content of a `.creds` file. */
  creds?: string | undefined;
  /** Paths of PEM files. */
  tls?: { ca?: string | undefined; cert?: string | undefined; key?: string | undefined } | undefined;
  /** Shown in the server's list of connections. */
  name?: string | undefined;
  /** How long the first connection may take. Default 5 s. */
  connectTimeoutMs?: number | undefined;
  /** How often the server is asked whether it lives. Default 10 s. */
  pingIntervalMs?: number | undefined;
}

/** `nats` of the configuration, as connections take it. */
export function configuredNats(nats: {
  url: string;
  user?: string | undefined;
  password?: string | undefined;
  token?: string | undefined;
  creds?: string | undefined;
  tls?: ConnectOptions['tls'];
}): Omit<ConnectOptions, 'namespace'> {
  const { url, user, password, token, creds, tls } = nats;
  return { servers: url, user, pass: password, token, creds, tls };
}

export type LinkStatus = 'connected' | 'disconnected';

export interface Connection {
  nc: NatsConnection;
  namespace: string;
  connected(): boolean;
  /** Why it is not connected, in a sentence. */
  trouble(): string | null;
  /** What whoever asks of it now is told; null: it is connected. */
  absence(): BusError | null;
  /** Rejects at once while disconnected, and at the moment of disconnection. @throws BusError */
  request(subject: string, data: string | Uint8Array, options: RequestOptions): Promise<Msg>;
  /** A call of the library under the same rule; `what` is said in its errors. */
  during<T>(what: string, call: () => Promise<T>): Promise<T>;
  inbox(): string;
  /** Told at every change; returns how to stop being told. */
  onLink(tell: (status: LinkStatus) => void): () => void;
  /** Told of each subject that the server did not let us publish to. */
  onDenied(tell: (subject: string) => void): void;
  close(): Promise<void>;
}

interface RequestOptions {
  timeoutMs: number;
  headers?: MsgHdrs | undefined;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A server that does not answer two of these is gone: half a minute is too long for a mailbox to be silent. */
const PING_INTERVAL_MS = 10_000;
const RECONNECT_FIRST_MS = 50;
const RECONNECT_MAX_MS = 3_000;

/** @throws BusError `BUS_UNREACHABLE` when there is no server, `BUS_REFUSED` when it does not let us in */
export async function openConnection(options: ConnectOptions): Promise<Connection> {
  const namespace = checkNamespace(options.namespace);
  let attempts = 0;
  const nc = await connect(
    libraryOptions(options, () => Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(attempts, 10), RECONNECT_MAX_MS)),
  ).catch((error: unknown) => {
    throw connectError(options.servers, error);
  });

  let link: LinkStatus = 'connected';
  const listeners = new Set<(status: LinkStatus) => void>();
  const deniedListeners = new Set<(subject: string) => void>();
  const waiting = new Set<(error: BusError) => void>();

  let isDenied = false;
  function turn(status: LinkStatus): void {
    if (status === 'connected') isDenied = false;
    if (status === 'connected') attempts = 0;
    if (link === status) return;
    link = status;
    if (status === 'disconnected') {
      for (const reject of waiting) reject(away());
      waiting.clear();
    }
    for (const tell of listeners) tell(status);
  }
  const away = (): BusError =>
    closing || nc.isClosed()
      ? new BusError('BUS_CLOSED', 'the connection was closed')
      : new BusError('BUS_UNREACHABLE', `NATS is not reachable at ${listed(options.servers)}`);
  let closing = false;
  // The library asks for the delay more often than it dials, so dialling is what is counted.
  void watch(nc, {
    turn,
    dialled: () => attempts++,
    failed: (code) => (isDenied = MEANING.get(code) === 'denied'),
    denied(subject) {
      for (const tell of deniedListeners) tell(subject);
    },
  });
  void nc.closed().then(() => turn('disconnected'));

  const absence = (): BusError | null => (nc.isClosed() || link === 'disconnected' ? away() : null);

  function during<T>(what: string, call: () => Promise<T>): Promise<T> {
    const absent = absence();
    if (absent !== null) return Promise.reject(absent);
    return new Promise((resolve, reject) => {
      waiting.add(reject);
      call()
        .then(resolve, (error: unknown) => reject(busError(error, what)))
        .finally(() => waiting.delete(reject));
    });
  }

  return {
    nc,
    namespace,
    connected: () => link === 'connected',
    trouble: () => (link === 'connected' ? null : isDenied ? denied(options.servers) : away().message),
    absence,
    request: (subject, data, { timeoutMs, headers }) =>
      during(subject, () =>
        nc.request(subject, data, { timeout: timeoutMs, ...(headers === undefined ? {} : { headers }) }),
      ),
    during,
    inbox: () => createInbox(inboxPrefix(options.user)),
    onLink(tell) {
      listeners.add(tell);
      return () => void listeners.delete(tell);
    },
    onDenied: (tell) => void deniedListeners.add(tell),
    async close() {
      closing = true;
      if (link === 'connected') await nc.flush().catch(() => {});
      await nc.close();
    },
  };
}

/** A user's own inboxes: the permissions of nats.conf let nobody listen to another's. */
const inboxPrefix = (user: string | undefined): string => (user === undefined ? '_INBOX' : `_INBOX.${user}`);

function libraryOptions(options: ConnectOptions, delayMs: () => number): ConnectionOptions {
  const { servers, user, pass, token, creds, tls, name, connectTimeoutMs, pingIntervalMs } = options;
  const result: ConnectionOptions = {
    servers: typeof servers === 'string' ? servers : [...servers],
    name: name ?? 'chartroom',
    timeout: connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: delayMs,
    /** A server that starts again with other passwords is an outage, not the end. */
    ignoreAuthErrorAbort: true,
    pingInterval: pingIntervalMs ?? PING_INTERVAL_MS,
    maxPingOut: 2,
    inboxPrefix: inboxPrefix(user),
    /** A stack trace per request costs more than the request. */
    noAsyncTraces: true,
  };
  if (user !== undefined) result.user = user;
  if (pass !== undefined) result.pass = pass;
  if (token !== undefined) result.token = token;
  if (creds !== undefined) result.authenticator = credsAuthenticator(Buffer.from(creds));
  if (tls !== undefined) {
    result.tls = {
      ...(tls.ca === undefined ? {} : { caFile: tls.ca }),
      ...(tls.cert === undefined ? {} : { certFile: tls.cert }),
      ...(tls.key === undefined ? {} : { keyFile: tls.key }),
    };
  }
  return result;
}

interface Watching {
  turn: (status: LinkStatus) => void;
  dialled: () => void;
  failed: (code: string) => void;
  denied: (subject: string) => void;
}

async function watch(nc: NatsConnection, { turn, dialled, failed, denied }: Watching): Promise<void> {
  for await (const { type, data, permissionContext } of nc.status()) {
    if (type === DebugEvents.Reconnecting) dialled();
    if (type === Events.Error) failed(typeof data === 'string' ? data : '');
    if (permissionContext?.operation === 'publish') denied(permissionContext.subject);
    if (type === Events.Disconnect) turn('disconnected');
    if (type === Events.Reconnect) turn('connected');
  }
}

/** As in HTTP: asked again it is refused again. */
const TOO_LARGE = 413;

const denied = (servers: string | readonly string[]): string =>
  `NATS at ${listed(servers)} does not accept the user or its password`;
const listed = (servers: string | readonly string[]): string => [servers].flat().join(', ');

function connectError(servers: string | readonly string[], error: unknown): BusError {
  const code = error instanceof NatsError ? error.code : '';
  if (MEANING.get(code) === 'denied') {
    return new BusError('BUS_REFUSED', denied(servers), { cause: error });
  }
  return new BusError('BUS_UNREACHABLE', `NATS is not reachable at ${listed(servers)}`, { cause: error });
}

/** What the library throws, as what the caller can act on. */
export function busError(error: unknown, what: string): BusError {
  if (error instanceof BusError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof NatsError ? error.code : '';
  const api = apiErrorOf(error);
  if (api !== undefined)
    return new BusError('BUS_REFUSED', `${what}: ${api.description}`, { cause: error, status: api.code });
  switch (MEANING.get(code)) {
    case 'nobody':
      return new BusError('BUS_NO_RESPONDER', `nobody answers ${what}`, { cause: error });
    case 'late':
      return new BusError('BUS_TIMEOUT', `no answer from ${what} in time`, { cause: error });
    case 'closed':
      return new BusError('BUS_CLOSED', 'the connection was closed', { cause: error });
    case 'away':
      return new BusError('BUS_UNREACHABLE', 'NATS is not reachable', { cause: error });
    case 'large':
      return new BusError('BUS_REFUSED', `the message to ${what} is larger than the server takes (max_payload)`, {
        cause: error,
        status: TOO_LARGE,
      });
    case 'denied':
    case undefined:
      return new BusError('BUS_REFUSED', `${what}: ${message}`, { cause: error });
  }
}

const MEANING: ReadonlyMap<string, 'nobody' | 'late' | 'closed' | 'away' | 'large' | 'denied'> = new Map([
  [ErrorCode.NoResponders, 'nobody'],
  [ErrorCode.Timeout, 'late'],
  [ErrorCode.ConnectionClosed, 'closed'],
  [ErrorCode.ConnectionDraining, 'closed'],
  [ErrorCode.Disconnect, 'away'],
  [ErrorCode.ConnectionRefused, 'away'],
  [ErrorCode.ConnectionTimeout, 'away'],
  [ErrorCode.MaxPayloadExceeded, 'large'],
  [ErrorCode.AuthorizationViolation, 'denied'],
  [ErrorCode.BadAuthentication, 'denied'],
]);

/** What JetStream itself said, if it was the one who refused. */
export function apiErrorOf(error: unknown): ApiError | undefined {
  const origin = error instanceof BusError ? error.cause : error;
  return origin instanceof NatsError ? origin.api_error : undefined;
}
