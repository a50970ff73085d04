/** `doctor`: looks at every part this needs and says of each whether it is well, and else what to do. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import type { Command } from 'commander';
import { execa } from 'execa';
import { connectClient } from '../../bus/client.ts';
import { findNatsServer, privateNats } from '../../bus/server.ts';
import type { Config } from '../../config/config.ts';
import { hireOf, loadRoles } from '../../config/roles.ts';
import { loadOwnDriver } from '../../drivers/own.ts';
import type { OwnDriver } from '../../drivers/own.ts';
import type { RejectedInput } from '../../errors.ts';
import { damagedLogs, damagedTables } from '../../store/damage.ts';
import type { Clock } from '../../clock.ts';
import { admit, hasStore, readFormat } from '../../store/format.ts';
import { StoreError } from '../../store/store.ts';
import { natsAccess } from '../connection.ts';
import { clearLeftovers, leftoversIn } from '../leftovers.ts';
import { hasLinear } from '../../effects/linear/token.ts';
import type { CommandContext } from '../context.ts';
import { CommandError, EXIT, VERSION_TODO, damageTodo, explain } from '../exit.ts';
import type { Exit } from '../exit.ts';
import { bad, good } from '../finding.ts';
import type { Finding } from '../finding.ts';
import { checkLinear } from '../linear-findings.ts';
import type { Run } from '../run.ts';

const NODE_MIN = [20, 19] as const;
/** A provider that takes longer is not reachable for what we do with it. */
const REACH_MS_MAX = 10_000;

export function addDoctorCommand(program: Command, run: Run): void {
  program
    .command('doctor')
    .description('check every part, say what to do')
    .option('--clear', 'end and remove what no actor has: folders of runs, homes, worktrees')
    .option('--dry-run', 'with --clear: say what would be removed; nothing is done')
    .action(({ clear = false, dryRun = false }: { clear?: boolean; dryRun?: boolean }) =>
      run((context) => (clear || dryRun ? clearLeftovers(context, dryRun) : doctor(context)), { reach: 'reading' }),
    );
}

async function doctor(context: CommandContext): Promise<Exit> {
  const { out } = context;
  let isWell = true;
  const tell = (finding: Finding): void => {
    isWell &&= finding.ok;
    if (out.json) {
      out.object(finding);
      return;
    }
    const mark = finding.ok ? out.paint('green', '✓') : out.paint('red', '✗');
    out.answer(`${mark} ${finding.part}: ${finding.detail}${finding.todo === '' ? '' : ` — ${finding.todo}`}`);
  };
  tell(checkNode());
  tell(await checkGit());
  const { config, finding } = checkConfig(context);
  tell(finding);
  if (config !== null) for await (const found of checkParts(config, context)) tell(found);
  return isWell ? EXIT.done : EXIT.failed;
}

function checkNode(): Finding {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  const isNew = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  const detail = `version ${process.versions.node}`;
  return isNew ? good('node', detail) : bad('node', detail, `install ${NODE_MIN.join('.')} or newer`);
}

async function checkGit(): Promise<Finding> {
  const { failed, stdout } = await execa('git', ['--version'], { reject: false });
  return failed ? bad('git', 'it cannot be run', 'install git') : good('git', stdout.replace(/^git /, ''));
}

function checkConfig(context: CommandContext): { config: Config | null; finding: Finding } {
  try {
    const config = context.config();
    const roles = loadRoles({ directory: config.roles });
    for (const agent of config.agents) hireOf(agent, roles);
    const where = config.file ?? 'none found: all is default';
    return { config, finding: good('configuration', where) };
  } catch (error) {
    const [what, ...mistakes] = explain(error).text.replace(/^✗ /, '').split('\n');
    return { config: null, finding: bad('configuration', what!, mistakes.map((line) => line.trim()).join('; ')) };
  }
}

async function* checkParts(config: Config, context: CommandContext): AsyncGenerator<Finding> {
  const health = await healthOf(config);
  yield checkData(config);
  yield* checkStore(config, context, health !== null);
  yield await checkNats(config, context.terminal.env);
  if (health !== null) {
    yield good('runtime', 'it runs and answers');
    for (const { actor, damage } of health.damaged ?? []) yield bad(actor, damage, actorTodo(actor));
    if (health.effects === 'held') {
      yield bad('effects', 'held since the store was restored', 'perform them: chartroom resume effects');
    }
  } else {
    yield await checkPort('webhooks', config.webhooks.listen);
    yield await checkPort('operator', config.operator.listen);
  }
  yield* checkLeftovers(config, context);
  yield* checkWorkgraph(config);
  if (config.drivers.scripted !== undefined) yield checkScript(config.drivers.scripted.script, config.directory);
  if (config.drivers.command !== undefined) yield await checkCommand(config.drivers.command.run);
  yield* checkAgentPrograms(config);
  for (const [name, own] of Object.entries(config.drivers.own ?? {})) yield await checkOwnDriver(name, own);
  for (const agent of config.agents) {
    if (agent.github !== undefined && agent.github.token !== '') {
      yield await checkGithub(`github as ${agent.name}`, config, agent.github.token);
    }
  }
  if (config.github.token !== '') {
    yield await checkGithub('github', config, config.github.token);
    for (const { name } of config.repos) yield await checkRepository(config, name);
  } else if (config.github.app === undefined) {
    yield bad('github', 'there is no token', 'set github.token or github.app, e.g. token: "${GITHUB_TOKEN:-}"');
  } else yield await checkGithub('github', config, '');
  if (hasLinear(config.linear)) yield* checkLinear(config, context.clock);
  else if (config.repos.some(({ linear }) => (linear?.teams.length ?? 0) > 0)) {
    yield bad('linear', 'there is no token, and repositories name Linear teams', 'set linear.token or linear.app');
  }
}

interface Health {
  effects?: string;
  damaged?: { actor: string; damage: string }[];
}

/** Null: no runtime answers. */
async function healthOf(config: Config): Promise<Health | null> {
  try {
    const client = await connectClient({ ...(await natsAccess(config, 'operator')), namespace: config.namespace });
    try {
      return (await client.ask('health', {})) as Health;
    } finally {
      await client.close();
    }
  } catch {
    return null;
  }
}

function checkData({ data }: Config): Finding {
  try {
    mkdirSync(data, { recursive: true });
    accessSync(data, constants.W_OK);
    return good('data directory', data);
  } catch (error) {
    return bad('data directory', (error as Error).message, 'make it writable, or choose another with data or --data');
  }
}

/** Bytes are read only while nobody uses it: every one of them. Of actors, those with something under way. */
async function* checkStore(config: Config, { clock }: CommandContext, isInUse: boolean): AsyncGenerator<Finding> {
  const { data } = config;
  const directory = path.join(data, 'store');
  if (!hasStore(directory)) {
    yield good('store', 'there is none yet');
    return;
  }
  try {
    const written = readFormat(directory);
    const { thisBuild } = await import('../../care/build.ts');
    if (written !== null) admit(directory, written, thisBuild());
    const damage = isInUse ? [] : [...damagedLogs(directory), ...damagedTables(directory)];
    if (damage.length > 0) {
      yield bad('store', damage.join('; '), damageTodo(data));
      return;
    }
    const damaged = isInUse ? [] : await damagedActors(config, clock);
    yield good('store', written === null ? directory : `${directory}, by chartroom ${written.chartroom}`);
    for (const [actor, sentence] of damaged) yield bad(actor, sentence, actorTodo(actor));
  } catch (error) {
    yield bad('store', (error as Error).message, storeTodo(error, data));
  }
}

async function damagedActors(config: Config, clock: Clock): Promise<[string, string][]> {
  const { openStoreAlone } = await import('../store-alone.ts');
  const alone = await openStoreAlone({ config, clock, changing: false });
  try {
    return alone.damaged();
  } finally {
    await alone.close();
  }
}

function storeTodo(error: unknown, data: string): string {
  if (error instanceof CommandError) return error.hint;
  if (error instanceof StoreError && error.code === 'STORE_DAMAGED') return damageTodo(data);
  return VERSION_TODO;
}

const actorTodo = (actor: string): string =>
  `it alone waits, with its mail; see what is left: chartroom replay ${actor} --check; only a backup has it whole: chartroom restore-store`;

/** Asked only where there is a store: without one nobody knows whose anything is. */
async function* checkLeftovers({ data }: Config, context: CommandContext): AsyncGenerator<Finding> {
  if (!hasStore(path.join(data, 'store'))) return;
  try {
    const { ok, detail } = await leftoversIn(context);
    yield { part: 'leftovers', ok, detail, todo: ok ? '' : 'see: chartroom doctor --clear --dry-run' };
  } catch {
    // That the store cannot be asked was said of the store.
  }
}

/** Chats of workgraph beside the configuration that nobody has adopted yet. */
function* checkWorkgraph({ directory }: Config): Generator<Finding> {
  const there = path.join(directory, '.workgraph');
  if (!existsSync(path.join(there, 'graph.jsonl'))) return;
  yield good('workgraph', `its chats in ${there} are adopted by: chartroom import --from workgraph ${directory}`);
}

async function checkNats(config: Config, env: NodeJS.ProcessEnv): Promise<Finding> {
  if (config.nats !== undefined || (await privateNats(path.join(config.data, 'nats'), 'operator')) !== null) {
    try {
      const access = await natsAccess(config, 'operator');
      const client = await connectClient({ ...access, namespace: config.namespace });
      await client.close();
      return good('nats', `reachable at ${access.servers}`);
    } catch (error) {
      return bad(
        'nats',
        (error as Error).message,
        'start it: nats-server -c nats.conf, or correct nats in the configuration',
      );
    }
  }
  const found = await findNatsServer(env);
  if (found !== null) return good('nats-server', found);
  return bad(
    'nats-server',
    'it is not installed',
    'apt-get install nats-server, brew install nats-server, or set nats.url',
  );
}

function checkPort(part: string, listen: string): Promise<Finding> {
  const colon = listen.lastIndexOf(':');
  const port = Number(listen.slice(colon + 1));
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? `${listen} is taken by another program` : `${listen}: ${error.message}`;
      resolve(bad(part, why, `stop that one, or choose another with ${part}.listen`));
    });
    server.listen(port, host, () => server.close(() => resolve(good(part, `${listen} is free`))));
  });
}

function checkScript(script: string, directory: string): Finding {
  const file = path.resolve(directory, script);
  return existsSync(file)
    ? good('scripted driver', file)
    : bad('scripted driver', `there is no ${file}`, 'correct drivers.scripted.script');
}

/** The programs of the agents that are configured, each asked once. */
async function* checkAgentPrograms({ agents, drivers }: Config): AsyncGenerator<Finding> {
  const programs = {
    codex: drivers.codex?.program ?? 'codex',
    claude: drivers.claude?.program ?? 'claude',
    acp: drivers.acp?.program,
  };
  for (const [driver, program] of Object.entries(programs)) {
    if (program === undefined || !agents.some((agent) => agent.driver === driver)) continue;
    const { failed, stdout } = await execa('/bin/sh', ['-c', 'command -v -- "$1"', 'sh', program], { reject: false });
    yield failed
      ? bad(`${driver} driver`, `there is no program ${program}`, `install it, or correct drivers.${driver}.program`)
      : good(`${driver} driver`, stdout);
  }
}

/** The first word of the command line is the program, where it is a plain word. */
async function checkCommand(run: string): Promise<Finding> {
  const program = /^[\w./~+-]+(?=\s|$)/.exec(run.trim())?.[0];
  if (program === undefined) return good('command driver', run);
  const { failed, stdout } = await execa('/bin/sh', ['-c', 'command -v -- "$1"', 'sh', program], { reject: false });
  return failed
    ? bad('command driver', `there is no program ${program}`, 'install it, or correct drivers.command.run')
    : good('command driver', stdout);
}

const githubHeaders = (token: string): Record<string, string> => ({
  accept: 'application/vnd.github+json',
  'user-agent': 'chartroom',
  ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
});

async function checkGithub(part: string, { github }: Config, token: string): Promise<Finding> {
  const url = `${github.apiUrl.replace(/\/$/, '')}/rate_limit`;
  return await reach(part, url, { headers: githubHeaders(token) }, (status) =>
    status === 401 ? 'the token is not accepted: make a new one' : `it answers ${status}: is github.apiUrl right?`,
  );
}

async function checkRepository({ github }: Config, name: string): Promise<Finding> {
  const url = `${github.apiUrl.replace(/\/$/, '')}/repos/${name}`;
  return await reach(`repository ${name}`, url, { headers: githubHeaders(github.token) }, (status) =>
    status === 404 || status === 403
      ? 'the token does not reach it: correct its name or the token’s access'
      : `it answers ${status}`,
  );
}

async function reach(
  part: string,
  url: string,
  request: RequestInit,
  todo: (status: number) => string,
): Promise<Finding> {
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.timeout(REACH_MS_MAX) });
    await response.body?.cancel();
    return response.ok
      ? good(part, `reachable at ${url}`)
      : bad(part, `${url} says ${response.status}`, todo(response.status));
  } catch (error) {
    const cause = (error as { cause?: Error }).cause?.message ?? (error as Error).message;
    return bad(part, `${url} is not reachable: ${cause}`, 'see whether this machine reaches it');
  }
}

async function checkOwnDriver(name: string, own: OwnDriver): Promise<Finding> {
  try {
    await loadOwnDriver(name, own);
    return good(`driver ${name}`, own.module);
  } catch (error) {
    const { message, issues } = error as RejectedInput;
    return bad(`driver ${name}`, message, issues.join('; '));
  }
}
