import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { entriesIn, parseDuration } from '@operator/api';

/** What flags and environment say, validated. */
export interface RuntimeConfig {
  /** Path of a kubeconfig file; the usual search when absent. */
  readonly kubeconfig: string | undefined;
  /** Empty: all namespaces. */
  readonly watchNamespaces: readonly string[];
  /** Label selector on the controller's own kind: the way to shard. */
  readonly watchSelector: string | undefined;
  /** False: no reference to another namespace is granted, and nothing outside of `watchNamespaces` is read. */
  readonly crossNamespaceRefs: boolean;
  readonly workers: number;
  readonly resyncIntervalMs: number;
  /** How long the pause between two looks becomes while nothing changes: no longer than that where the interval was given. */
  readonly maxResyncIntervalMs: number;
  readonly leaderElect: boolean;
  /** The namespace of the pod or the kubeconfig when absent, else `default`. */
  readonly leaderElectionNamespace: string | undefined;
  readonly leaderElectionId: string;
  /** Where the Secret with the proof key is; the namespace of the pod or the kubeconfig when absent, else `default`. */
  readonly operatorNamespace: string | undefined;
  /** uids of kube-system of the clusters that this one has replaced. */
  readonly formerClusterIds: ReadonlySet<string>;
  /** Addresses and ranges that no Provider may lead to, as written; those of the drivers when absent. */
  readonly refusedDestinations: readonly string[] | undefined;
  /** Undefined: off. */
  readonly metricsAddress: Address | undefined;
  readonly healthAddress: Address | undefined;
  readonly logLevel: (typeof logLevels)[number];
  /** Of the traces in which nothing was written, failed or slow, the share that is sent. */
  readonly traceQuietRatio: number;
  readonly shutdownDeadlineMs: number;
}

export interface Address {
  /** Undefined: every address of this machine, whether or not it has IPv6. */
  readonly host: string | undefined;
  /** 0: any free one; the log tells which. */
  readonly port: number;
}

/** A flag or variable has a wrong value; the message names it and says what would be right. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;

interface Flag {
  readonly fallback: string;
  readonly text: string;
}

const flags = {
  kubeconfig: {
    fallback: '',
    text: 'Path of a kubeconfig; else KUBECONFIG, ~/.kube/config, the service account of the pod',
  },
  'watch-namespaces': {
    fallback: '',
    text: 'Namespaces whose objects it reconciles, with commas between; all when empty. Providers, Buckets and the like on the other end of a reference are seen in all',
  },
  'watch-selector': {
    fallback: '',
    text: 'Label selector on the objects of this controller, to share them among several',
  },
  'no-cross-namespace-refs': {
    fallback: 'false',
    text: 'Whether references to other namespaces are refused, whatever allowedNamespaces says; nothing is read outside of --watch-namespaces then: true or false',
  },
  workers: {
    fallback: '10',
    text: 'Objects of one Provider reconciled at the same time, 1 to 200; of all, four times as many, of one namespace half of those',
  },
  'resync-interval': {
    fallback: '10m',
    text: 'How often a settled object is looked at again, from 1s: 30s, 10m, 1h. One that is given here is kept to; else the pause grows while nothing changes',
  },
  'max-resync-interval': {
    fallback: '1h',
    text: 'How long the pause between two looks becomes while nothing changes, from 1s. It counts only without --resync-interval',
  },
  'leader-elect': { fallback: 'true', text: 'Whether one process leads and others stand by: true or false' },
  'leader-election-namespace': { fallback: '', text: 'Namespace of the Lease; the one this process is in when empty' },
  'leader-election-id': {
    fallback: '',
    text: 'Name of the Lease; when empty the name of the controller, with a hash of --watch-namespaces and --watch-selector if any',
  },
  'operator-namespace': {
    fallback: '',
    text: 'Namespace of the Secret s3-operator-proof-key, which all controllers share; the one this process is in when empty',
  },
  'former-cluster-ids': {
    fallback: '',
    text: 'uids of the namespace kube-system of clusters that this one has replaced, with commas between; what bears their owner tags can be adopted',
  },
  'refused-destinations': {
    fallback: '',
    text: 'Addresses and ranges (CIDR) that no Provider may lead to, with commas between, or none; link-local and cloud metadata addresses when empty',
  },
  'metrics-address': { fallback: ':8080', text: 'host:port of /metrics; 0 turns it off' },
  'health-address': { fallback: ':8081', text: 'host:port of /healthz and /readyz, may be the same; 0 turns it off' },
  'log-level': { fallback: 'info', text: logLevels.join(', ') },
  'trace-quiet-ratio': {
    fallback: '0.1',
    text: 'Where traces are sent, the share of passes that is traced of those that wrote nothing, met no failure and took less than a second: 0 to 1. All others are traced',
  },
  'shutdown-deadline': {
    fallback: '25s',
    text: 'How long stopping may take after SIGTERM; passes have all but the last 5s of it, or half',
  },
} satisfies Record<string, Flag>;

type FlagName = keyof typeof flags;

/** The variable that stands for a flag: `--log-level` is `S3_OPERATOR_LOG_LEVEL`. */
const variableOf = (flag: FlagName): string => `S3_OPERATOR_${flag.toUpperCase().replaceAll('-', '_')}`;

/** The text that `--help` prints. */
export const usage = (name: string): string =>
  [
    `Usage: ${name} [flags]`,
    '',
    'Each flag may come from the environment instead; the flag wins.',
    '',
    ...(Object.keys(flags) as FlagName[]).flatMap((flag) => [
      `  --${flag}${flags[flag].fallback === '' ? '' : ` (${flags[flag].fallback})`}`,
      `      ${flags[flag].text}. ${variableOf(flag)}`,
    ]),
    '  --version',
    '      Prints the version, and the commit of the bundle.',
    '',
  ].join('\n');

/**
 * Reads the configuration; `help` or `version` when that was asked for. `argv`: without the interpreter and the script.
 * @throws ConfigError
 */
export const readConfig = (
  name: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): RuntimeConfig | 'help' | 'version' => {
  const given = parseFlags(argv);
  if (given.help === true) return 'help';
  if (given.version === true) return 'version';
  const valueOf = (flag: FlagName): { readonly value: string; readonly from: string; readonly isGiven: boolean } => {
    const value = given[flag];
    if (typeof value === 'string') return { value, from: `--${flag}`, isGiven: true };
    const variable = env[variableOf(flag)];
    if (variable !== undefined && variable !== '') return { value: variable, from: variableOf(flag), isGiven: true };
    return { value: flags[flag].fallback, from: `--${flag}`, isGiven: false };
  };
  const read = <T>(flag: FlagName, parse: (value: string) => T | undefined): T => {
    const { value, from } = valueOf(flag);
    const parsed = parse(value);
    if (parsed === undefined)
      throw new ConfigError(`${from}: ${JSON.stringify(value)} is not valid. ${flags[flag].text}.`);
    return parsed;
  };
  const text = (flag: FlagName): string | undefined => valueOf(flag).value || undefined;

  const watchNamespaces = read('watch-namespaces', parseNamespaces);
  const watchSelector = read('watch-selector', parseMatching(selector))[0];

  return {
    kubeconfig: text('kubeconfig'),
    watchNamespaces,
    watchSelector,
    crossNamespaceRefs: !read('no-cross-namespace-refs', parseBoolean),
    workers: read('workers', (value) =>
      /^\d{1,3}$/.test(value) && inRange(Number(value), 1, 200) ? Number(value) : undefined,
    ),
    ...resyncIntervals(
      valueOf('resync-interval').isGiven,
      read('resync-interval', parseDuration),
      read('max-resync-interval', parseDuration),
    ),
    leaderElect: read('leader-elect', parseBoolean),
    leaderElectionNamespace: read('leader-election-namespace', parseMatching(dnsLabel))[0],
    leaderElectionId:
      read('leader-election-id', parseMatching(dnsSubdomain))[0] ?? leaseName(name, watchNamespaces, watchSelector),
    operatorNamespace: read('operator-namespace', parseMatching(dnsLabel))[0],
    formerClusterIds: read('former-cluster-ids', parseClusterIds),
    refusedDestinations: destinationsIn(text('refused-destinations')),
    metricsAddress: read('metrics-address', parseAddress)[0],
    healthAddress: read('health-address', parseAddress)[0],
    logLevel: read('log-level', (value) => logLevels.find((level) => level === value)),
    traceQuietRatio: read('trace-quiet-ratio', (value) =>
      /^(0(\.\d+)?|1(\.0+)?)$/.test(value) ? Number(value) : undefined,
    ),
    shutdownDeadlineMs: read('shutdown-deadline', parseDuration),
  };
};

/** An interval that somebody has chosen is kept to; the usual one is the shortest of those between which the pause grows. */
const resyncIntervals = (
  isChosen: boolean,
  intervalMs: number,
  longestMs: number,
): Pick<RuntimeConfig, 'resyncIntervalMs' | 'maxResyncIntervalMs'> => ({
  resyncIntervalMs: isChosen ? intervalMs : Math.min(intervalMs, longestMs),
  maxResyncIntervalMs: isChosen ? intervalMs : longestMs,
});

/** Processes that watch different objects must not stand by for one another. */
const leaseName = (name: string, namespaces: readonly string[], labelSelector = ''): string => {
  if (namespaces.length === 0 && labelSelector === '') return name;
  const share = JSON.stringify([namespaces.toSorted(), labelSelector]);
  return `${name}-${createHash('sha256').update(share).digest('hex').slice(0, 8)}`;
};

const parseFlags = (argv: readonly string[]): Readonly<Record<string, string | boolean | undefined>> => {
  try {
    const { values } = parseArgs({
      // As with any Kubernetes component, the bare flag means true.
      args: argv.map((argument) => (bareFlags.has(argument) ? `${argument}=true` : argument)),
      options: {
        help: { type: 'boolean' },
        version: { type: 'boolean' },
        ...(Object.fromEntries(Object.keys(flags).map((flag) => [flag, { type: 'string' }])) as Record<
          FlagName,
          { type: 'string' }
        >),
      },
      strict: true,
    });
    return values;
  } catch (caught) {
    throw new ConfigError(caught instanceof Error ? caught.message : String(caught));
  }
};

const bareFlags: ReadonlySet<string> = new Set(['--leader-elect', '--no-cross-namespace-refs']);

const parseBoolean = (value: string): boolean | undefined =>
  value === 'true' ? true : value === 'false' ? false : undefined;

const inRange = (value: number, least: number, most: number): boolean => value >= least && value <= most;

/** Source: Kubernetes, names of objects. */
const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const dnsSubdomain = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** A list of none or one, as undefined says that the value is wrong. */
const parseMatching =
  (pattern: RegExp) =>
  (value: string): readonly [string?] | undefined => {
    if (value === '') return [];
    return pattern.test(value) ? [value] : undefined;
  };

/** What is an address is for the drivers to know. */
const destinationsIn = (value: string | undefined): readonly string[] | undefined =>
  value === undefined ? undefined : value === 'none' ? [] : entriesIn(value);

const parseNamespaces = (value: string): readonly string[] | undefined => {
  const names = entriesIn(value);
  return names.every((name) => dnsLabel.test(name)) ? [...new Set(names)] : undefined;
};

/** Source: RFC 9562, the text form of a UUID. */
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const parseClusterIds = (value: string): ReadonlySet<string> | undefined => {
  const ids = entriesIn(value);
  return ids.every((id) => uuid.test(id)) ? new Set(ids) : undefined;
};

/** Source: Kubernetes, label selectors. */
const label = String.raw`(?:[a-zA-Z0-9](?:[-.a-zA-Z0-9]{0,251}[a-zA-Z0-9])?/)?[a-zA-Z0-9](?:[-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?`;
const labelValue = String.raw`(?:[a-zA-Z0-9](?:[-_.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)?`;
const oneOf = String.raw`\(\s*${labelValue}(?:\s*,\s*${labelValue})*\s*\)`;
const requirement = String.raw`(?:!\s*${label}|${label}(?:\s*(?:=|==|!=)\s*${labelValue}|\s+(?:in|notin)\s+${oneOf})?)`;
const selector = new RegExp(String.raw`^\s*${requirement}(?:\s*,\s*${requirement})*\s*$`);

/** A list of none (`0`) or one, as undefined says that the value is wrong. */
const parseAddress = (value: string): readonly [Address?] | undefined => {
  if (value === '0') return [];
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+))?:(\d{1,5})$/.exec(value);
  if (match === null || Number(match[3]) > 65_535) return undefined;
  return [{ host: match[1] ?? match[2], port: Number(match[3]) }];
};

type Reach = Pick<RuntimeConfig, 'crossNamespaceRefs' | 'watchNamespaces'>;

/** The namespaces that a reference may lead to; empty: all. */
export const reachOf = ({ crossNamespaceRefs, watchNamespaces }: Reach): readonly string[] =>
  crossNamespaceRefs ? [] : watchNamespaces;

/** True when the process reads what is in this namespace. */
export const seesNamespace = (config: Reach, namespace: string): boolean => {
  const reach = reachOf(config);
  return reach.length === 0 || reach.includes(namespace);
};
