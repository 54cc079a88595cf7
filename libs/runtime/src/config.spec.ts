import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig, seesNamespace, usage } from './config.ts';

describe('readConfig', () => {
  it('has a default for everything', () => {
    expect(readConfig('bucket-controller', [], {})).toEqual({
      kubeconfig: undefined,
      watchNamespaces: [],
      watchSelector: undefined,
      crossNamespaceRefs: true,
      workers: 10,
      resyncIntervalMs: 600_000,
      maxResyncIntervalMs: 3_600_000,
      leaderElect: true,
      leaderElectionNamespace: undefined,
      leaderElectionId: 'bucket-controller',
      operatorNamespace: undefined,
      formerClusterIds: new Set(),
      refusedDestinations: undefined,
      metricsAddress: { host: undefined, port: 8080 },
      healthAddress: { host: undefined, port: 8081 },
      logLevel: 'info',
      traceQuietRatio: 0.1,
      shutdownDeadlineMs: 25_000,
    });
  });

  it.each(['help', 'version'] as const)('says that %s was asked for', (asked) => {
    expect(readConfig('c', [`--${asked}`], {})).toBe(asked);
    expect(usage('c')).toContain('--version');
  });

  it('takes the ids of former clusters, and says which is none', () => {
    const ids = ['6d1f0c1e-0000-4000-8000-000000000001', '6d1f0c1e-0000-4000-8000-000000000002'];
    expect(readConfig('c', [`--former-cluster-ids=${ids.join(', ')}`], {})).toMatchObject({
      formerClusterIds: new Set(ids),
    });
    expect(() => readConfig('c', ['--former-cluster-ids=production'], {})).toThrow(
      /--former-cluster-ids: "production" is not valid/,
    );
  });

  it.each<[readonly string[], Record<string, string>, number, number]>([
    [['--max-resync-interval=2h'], {}, 600_000, 7_200_000],
    [['--max-resync-interval=1m'], {}, 60_000, 60_000],
    [['--resync-interval=30s'], {}, 30_000, 30_000],
    [['--resync-interval=10m', '--max-resync-interval=2h'], {}, 600_000, 600_000],
    [[], { S3_OPERATOR_RESYNC_INTERVAL: '2h' }, 7_200_000, 7_200_000],
    [[], { S3_OPERATOR_RESYNC_INTERVAL: '', S3_OPERATOR_MAX_RESYNC_INTERVAL: '30m' }, 600_000, 1_800_000],
  ])(
    'keeps to a resync interval that was chosen, and lets the usual one grow: %j %j',
    (argv, env, shortest, longest) => {
      expect(readConfig('c', argv, env)).toMatchObject({ resyncIntervalMs: shortest, maxResyncIntervalMs: longest });
    },
  );

  it('reads flags, then the environment', () => {
    const env = {
      S3_OPERATOR_WORKERS: '3',
      S3_OPERATOR_TRACE_QUIET_RATIO: '0.25',
      S3_OPERATOR_LOG_LEVEL: 'debug',
      S3_OPERATOR_WATCH_NAMESPACES: '',
    };
    const argv = ['--workers=7', '--watch-namespaces', 'a, b,a', '--metrics-address=127.0.0.1:0', '--health-address=0'];
    expect(readConfig('c', argv, env)).toMatchObject({
      workers: 7,
      logLevel: 'debug',
      traceQuietRatio: 0.25,
      watchNamespaces: ['a', 'b'],
      metricsAddress: { host: '127.0.0.1', port: 0 },
      healthAddress: undefined,
    });
  });

  it.each([
    [['--no-cross-namespace-refs'], false],
    [['--no-cross-namespace-refs=false'], true],
  ])('reads %s as crossNamespaceRefs %s', (argv, crossNamespaceRefs) => {
    expect(readConfig('c', argv, {})).toMatchObject({ crossNamespaceRefs });
  });

  it.each([
    [['--leader-elect'], true],
    [['--leader-elect=true'], true],
    [['--leader-elect=false'], false],
  ])('reads %s as leaderElect %s', (argv, leaderElect) => {
    expect(readConfig('c', argv, {})).toMatchObject({ leaderElect });
  });

  it.each([
    [['--workers=0'], {}, '--workers: "0"'],
    [['--workers=1e3'], {}, '--workers: "1e3"'],
    [[], { S3_OPERATOR_WORKERS: 'many' }, 'S3_OPERATOR_WORKERS: "many"'],
    [['--resync-interval=10'], {}, '--resync-interval: "10"'],
    [['--metrics-address=8080'], {}, '--metrics-address: "8080"'],
    [['--health-address=:70000'], {}, '--health-address: ":70000"'],
    [['--watch-namespaces=A'], {}, '--watch-namespaces: "A"'],
    [['--leader-election-namespace=Not_A/Name'], {}, '--leader-election-namespace: "Not_A/Name"'],
    [['--leader-election-namespace=a.b'], {}, '--leader-election-namespace: "a.b"'],
    [['--leader-election-id=Bad Name!'], {}, '--leader-election-id: "Bad Name!"'],
    [['--log-level=loud'], {}, '--log-level: "loud"'],
    [['--trace-quiet-ratio=1.5'], {}, '--trace-quiet-ratio: "1.5"'],
    [['--trace-quiet-ratio=10%'], {}, '--trace-quiet-ratio: "10%"'],
    [['--watch-selector=(('], {}, '--watch-selector: "(("'],
    [['--watch-selector=shard in 1'], {}, '--watch-selector'],
    [['--leader-elect=yes'], {}, '--leader-elect: "yes"'],
    [['--leader-elect=constructor'], {}, '--leader-elect: "constructor"'],
    [['--leader-elect=__proto__'], {}, '--leader-elect: "__proto__"'],
    [[], { S3_OPERATOR_LEADER_ELECT: 'toString' }, 'S3_OPERATOR_LEADER_ELECT: "toString"'],
    [['--wrokers=1'], {}, "Unknown option '--wrokers'"],
    [['surplus'], {}, 'surplus'],
  ])('refuses %s %s and names it', (argv, env, message) => {
    const read = () => readConfig('c', argv, env);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(message);
  });

  it.each(['shard=1', 'a.example/shard in (1, 2),!canary', 'team!=x,shard', 'shard notin (3)', 'shard=='])(
    'takes the label selector %s',
    (watchSelector) => {
      expect(readConfig('c', [`--watch-selector=${watchSelector}`], {})).toMatchObject({ watchSelector });
    },
  );

  const leaseOf = (...argv: readonly string[]) => {
    const config = readConfig('bucket-controller', argv, {});
    return typeof config === 'string' ? config : config.leaderElectionId;
  };

  it('has a Lease for each share of the objects, whatever the order of its namespaces', () => {
    const shares = [[], ['--watch-selector=shard=1'], ['--watch-selector=shard=2'], ['--watch-namespaces=a,b']];
    const leases = shares.map((argv) => leaseOf(...argv));
    expect(new Set(leases).size).toBe(4);
    expect(leases[1]).toMatch(/^bucket-controller-[0-9a-f]{8}$/);
    expect(leaseOf('--watch-namespaces=b,a')).toBe(leases[3]);
    expect(leaseOf('--watch-selector=shard=1', '--leader-election-id=mine')).toBe('mine');
  });

  it('takes the name of a Lease with dots', () => {
    const argv = ['--leader-election-id=shard-1.bucket-controller', '--leader-election-namespace=ops'];
    expect(readConfig('c', argv, {})).toMatchObject({
      leaderElectionId: 'shard-1.bucket-controller',
      leaderElectionNamespace: 'ops',
    });
  });

  it('has help that names every flag and its variable', () => {
    expect(readConfig('c', ['--help'], {})).toBe('help');
    expect(usage('c')).toContain('--shutdown-deadline (25s)');
    expect(usage('c')).toContain('S3_OPERATOR_LEADER_ELECTION_NAMESPACE');
  });
});

describe('a namespace', () => {
  it.each<[string, readonly string[], boolean, boolean]>([
    ['seen where all are watched', [], true, true],
    ['seen where all are watched and no reference leaves its namespace', [], false, true],
    ['seen where others are watched and references may lead to it', ['b'], true, true],
    ['not seen where others are watched and no reference leaves its namespace', ['b'], false, false],
    ['seen where it is watched', ['b', 'a'], false, true],
  ])('is %s', (_title, watchNamespaces, crossNamespaceRefs, isSeen) => {
    expect(seesNamespace({ watchNamespaces, crossNamespaceRefs }, 'a')).toBe(isSeen);
  });
});

describe('decision 12', () => {
  const page = readFileSync(new URL('../../../docs/decisions/0012-names-of-api-fields.md', import.meta.url), 'utf8');
  const flags = [...page.matchAll(/^\| `(--[\w-]+)` .*\| (here|built) +\|/gm)].map(([, flag = '', said]) => [
    flag,
    said,
  ]);

  it('has flags', () => {
    expect(flags.length).toBeGreaterThan(4);
  });

  it.each(flags)('says whether %s is built', (flag, said) => {
    expect(said).toBe(new RegExp(`^  ${flag}\\b`, 'm').test(usage('c')) ? 'built' : 'here');
  });
});
