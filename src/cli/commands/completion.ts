/** `completion`: a script that lets the shell complete commands and options. It is made of the commands themselves. */
import { Argument } from 'commander';
import type { Command } from 'commander';
import { EXIT } from '../exit.ts';
import type { Run } from '../run.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

export function addCompletionCommand(program: Command, run: Run): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .description('a completion script; e.g. in ~/.bashrc: eval "$(chartroom completion bash)"')
    .action((shell: Shell) =>
      run(({ out }) => {
        out.answer(SCRIPTS[shell](wordsOf(program)));
        return Promise.resolve(EXIT.done);
      }),
    );
}

interface Words {
  /** `mission start`; empty for the program itself. */
  path: string;
  means: string;
  /** Commands below it. */
  commands: { name: string; means: string }[];
  options: { flag: string; means: string; takesValue: boolean }[];
}

/** The program, its commands and theirs, each with what may follow. */
function wordsOf(command: Command, path = ''): Words[] {
  const words: Words = {
    path,
    means: command.description(),
    commands: command.commands.map((inner) => ({ name: inner.name(), means: inner.description() })),
    options: [
      ...command.options.map(({ long, description, required, optional }) => ({
        flag: long ?? '',
        means: description,
        takesValue: required || optional,
      })),
      { flag: '--help', means: 'help', takesValue: false },
    ],
  };
  return [words, ...command.commands.flatMap((inner) => wordsOf(inner, `${path} ${inner.name()}`.trim()))];
}

const follow = ({ commands, options }: Words): string[] => [
  ...commands.map(({ name }) => name),
  ...options.map(({ flag }) => flag),
];

const SCRIPTS: Record<Shell, (words: Words[]) => string> = { bash, zsh, fish };

/** The longest command that the words typed so far name decides what may follow. */
function bash(words: Words[]): string {
  const cases = words.map((one) => `    "${one.path}") words="${follow(one).join(' ')}" ;;`).join('\n');
  const paths = words.filter(({ path }) => path !== '').map(({ path }) => path);
  return `_chartroom() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" next word words index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    next="\${path:+$path }$word"
    case "|${paths.join('|')}|" in *"|$next|"*) path="$next" ;; esac
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _chartroom chartroom`;
}

function zsh(words: Words[]): string {
  return `autoload -Uz bashcompinit && bashcompinit\n${bash(words)}`;
}

function fish(words: Words[]): string {
  const lines = words.flatMap(({ path, commands, options }) => {
    const names = commands.map(({ name }) => name).join(' ');
    const seen = path.split(' ').filter((name) => name !== '');
    const when =
      seen.length === 0
        ? '__fish_use_subcommand'
        : [
            ...seen.map((name) => `__fish_seen_subcommand_from ${name}`),
            ...(names === '' ? [] : [`not __fish_seen_subcommand_from ${names}`]),
          ].join('; and ');
    return [
      ...commands.map(({ name, means }) => `complete -c chartroom -f -n '${when}' -a '${name}' -d '${quoted(means)}'`),
      ...options.map(
        ({ flag, means, takesValue }) =>
          `complete -c chartroom -n '${when}' -l '${flag.slice(2)}'${takesValue ? ' -r' : ''} -d '${quoted(means)}'`,
      ),
    ];
  });
  return lines.join('\n');
}

const quoted = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
