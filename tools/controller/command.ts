/** What `npm run controller -- …` is asked for. */
export interface ControllerCommand {
  /** Such as `bucket`. */
  readonly name: string;
  /** For Node, before the program. */
  readonly nodeFlags: readonly string[];
  /** For the controller. */
  readonly flags: readonly string[];
}

/** The flags that get a free port of this machine where nobody names one: two controllers run side by side, and nobody else reaches them. */
const addresses = ['metrics-address', 'health-address'];

/**
 * Reads the arguments: the name of a controller, its flags, and Node's `--inspect…`, which goes to the controller's process alone.
 * @throws Error with the usage
 */
export function parseControllerCommand(
  [name, ...args]: readonly string[],
  names: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ControllerCommand {
  if (name === undefined || !names.includes(name))
    throw new Error(
      `usage: npm run controller -- ${names.join('|')} [--inspect[=[host:]port]] [flags of the controller, see --help]`,
    );
  const isForNode = (argument: string) => /^--inspect(-brk|-wait)?(=.*)?$/.test(argument);
  const flags = args.filter((argument) => !isForNode(argument));
  const isNamed = (flag: string) =>
    flags.some((given) => given === `--${flag}` || given.startsWith(`--${flag}=`)) ||
    (env[`S3_OPERATOR_${flag.toUpperCase().replace('-', '_')}`] ?? '') !== '';
  const free = addresses.filter((flag) => !isNamed(flag)).map((flag) => `--${flag}=127.0.0.1:0`);
  return { name, nodeFlags: args.filter(isForNode), flags: [...free, ...flags] };
}
