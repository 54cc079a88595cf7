import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  bucketSpec,
  controllerNames,
  Kube,
  namedHosts,
  until,
  watchReady,
  type Controller,
  type World,
} from '@operator/tools/harness';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attempts } from './tenants/attempts.ts';
import { Case, Found, lent, platform, undisclosed, type Finding, type Lent, type Stage } from './tenants/case.ts';
import { exhaustion, type Siege } from './tenants/exhaustion.ts';
import { startWorld } from './world.ts';

const neighbour = 'neighbour';
/** Changes of the neighbour's Bucket that are measured, before and beside each siege. */
const measuredEdits = 20;
/** How long a Provider of the neighbour's may take to be Ready beside a siege: more than any turn that one call may take. */
const newProviderWithinMs = 30_000;

let world: World;
let stage: Stage;
let controllers: readonly Controller[];
let usualMs = 0;
/** By what was wrong: the numbers of the attempts. */
const outcome = new Map<Finding['what'], string[]>();

const conclude = (threat: string, findings: readonly Finding[]) => {
  for (const what of new Set(findings.map((finding) => finding.what)))
    outcome.set(what, [...(outcome.get(what) ?? []), threat].toSorted());
  if (findings.length > 0) expect.fail(findings.map(({ what, message }) => `${threat} ${what}: ${message}`).join('\n'));
};

const guests = (threat: string) => [threat.toLowerCase(), `${threat.toLowerCase()}-guest`];

/** May do everything with the four kinds, their status and Secrets, where it is bound; and nothing else. */
const tenantRole = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenant}
rules:
  - {apiGroups: [s3.cloud37.dev], resources: ['*'], verbs: ['*']}
  - {apiGroups: [''], resources: [secrets, configmaps], verbs: ['*']}
  - {apiGroups: [''], resources: [events], verbs: [get, list, watch]}
`;
const binding = (namespace: string) => `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: tenant, namespace: ${namespace}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: tenant}
subjects: [{kind: ServiceAccount, name: tenant, namespace: tenants}]
`;

beforeAll(async () => {
  world = await startWorld('tenants', ['minio', 'moto']);
  const { kube, controlPlane } = world;
  const connectionsLog = join(world.dir, 'connections');
  writeFileSync(connectionsLog, '');
  const hosts = {
    '.amazonaws.com': '127.0.0.1',
    '.wasabisys.com': '127.0.0.1',
    'inward.tenant.test': '169.254.82.1',
    '.tenant.test': '127.0.0.1',
  };
  const nodeFlags = [namedHosts(hosts, connectionsLog)];
  controllers = await Promise.all(controllerNames.map((name) => world.startController(name, { nodeFlags })));

  const numbers = [...attempts, ...exhaustion].map(({ threat }) => threat);
  const namespaces = numbers.flatMap(guests);
  for (const namespace of [platform, undisclosed, neighbour, 'tenants', ...namespaces])
    await world.createNamespace(namespace);
  const manifests = join(world.dir, 'rbac.yaml');
  writeFileSync(manifests, tenantRole);
  for (const namespace of namespaces) appendFileSync(manifests, `---${binding(namespace)}`);
  await controlPlane.kubectl(['apply', '-f', manifests]);
  await controlPlane.kubectl(['create', 'serviceaccount', 'tenant', '-n', 'tenants']);
  const token = await controlPlane.serviceAccountToken('tenants', 'tenant');
  world.secrets.add('the token of the tenant', token);
  const tenant = new Kube({ url: controlPlane.url, ca: controlPlane.ca, adminToken: token });

  const proxies = { minio: await world.proxyTo('minio', 'lent-minio'), moto: await world.proxyTo('moto', 'lent-moto') };
  const { port } = new URL(proxies.moto.url);
  const endpoints: Readonly<Record<Lent['name'], string>> = {
    shared: proxies.minio.url,
    'shared-aws': `http://s3.us-east-1.amazonaws.com:${port}`,
  };
  stage = { world, tenant, connectionsLog, endpointOf: (name) => endpoints[name] };
  const names = [...numbers.map((threat) => threat.toLowerCase()), undisclosed, neighbour];
  for (const { name, server } of Object.values(lent)) {
    const type = server === 'moto' ? 'aws' : 'minio';
    const iam = server === 'moto' ? { iamEndpoint: proxies.moto.url } : {};
    await world.createProvider(platform, name, {
      server,
      endpoint: endpoints[name],
      spec: { type, ...iam, allowedNamespaces: { names } },
    });
  }
  await world.createProvider(platform, 'private', { server: 'minio', endpoint: endpoints.shared });
  await world.createProvider(platform, 'selecting', {
    server: 'minio',
    endpoint: endpoints.shared,
    spec: { allowedNamespaces: { selector: { matchLabels: { lent: 'true' } } } },
  });
  for (const name of [...Object.keys(lent), 'private', 'selecting'])
    await kube.untilReady('Provider', platform, name, 60_000);
  await world.createProvider(neighbour, 'own', { server: 'minio' });
  await kube.create('Bucket', neighbour, 'canary', bucketSpec('own', 'canary-of-the-neighbour'));
  await kube.untilReady('Bucket', neighbour, 'canary', 60_000);
});

afterAll(async () => {
  for (const [what, label] of [
    ['harm', 'let through'],
    ['silence', 'refused without a word'],
    ['name', 'gave away a name'],
    ['twin', 'refused the lawful form'],
    ['broken', 'could not be tried'],
  ] as const) {
    console.log(`${label}: ${(outcome.get(what) ?? []).join(', ') || 'none'}`);
  }
  for (const controller of controllers) {
    console.log(
      `FIGURE peak memory of ${controller.proxy}: ${String(Math.round(await controller.peakMebibytes()))} MiB`,
    );
  }
  await world.stop();
});

/** Goes on to the judgement whatever the attempt came to. */
const tryOut = async (what: Finding['what'], act: () => unknown): Promise<readonly Finding[]> => {
  try {
    await act();
    return [];
  } catch (error) {
    const seen = error instanceof Found ? error.what : what;
    return [{ what: seen, message: error instanceof Error ? error.message : String(error) }];
  }
};

/** How long the neighbour's changes take, in milliseconds, in order of length. */
const editsOfNeighbour = async (): Promise<readonly number[]> => {
  const took: number[] = [];
  for (let edit = 0; edit < measuredEdits; edit += 1) {
    const watch = await watchReady(world.kube, 'Bucket', neighbour);
    const began = performance.now();
    try {
      await world.kube.patch('Bucket', neighbour, 'canary', {
        spec: { tagging: { tags: { turn: `${String(edit)}-${String(Math.round(began))}` } } },
      });
      took.push((await watch.untilReadyNamed('canary', 60_000)) - began);
    } finally {
      watch.close();
    }
  }
  return took.toSorted((a, b) => a - b);
};
const longestOf = (took: readonly number[]) => took.at(-1) ?? 0;

describe.concurrent('a tenant', () => {
  it.each(attempts)('$threat: $title', async (attempt) => {
    const given = new Case(attempt.threat, stage);
    const findings: Finding[] = [];
    try {
      findings.push(...(await tryOut('broken', () => attempt.act(given))));
      findings.push(...(await tryOut('harm', () => attempt.judge?.(given))));
      findings.push(...(await given.findings()));
      findings.push(...(await tryOut('twin', () => attempt.twin(given))));
    } finally {
      await given.close();
    }
    conclude(attempt.threat, findings);
  });
});

describe('beside a tenant who lays siege, a neighbour goes on', () => {
  it('is measured first', async () => {
    usualMs = longestOf(await editsOfNeighbour());
    console.log(`FIGURE a neighbour's change, alone: p99 ${usualMs.toFixed(0)} ms`);
  });

  it.each(exhaustion)('$threat: $title', async (siege: Siege) => {
    const given = new Case(siege.threat, stage);
    const findings: Finding[] = [];
    try {
      const { judge, end } = await siege.begin(given);
      const name = `new-${siege.threat.toLowerCase()}`;
      const began = performance.now();
      findings.push(
        ...(await tryOut('harm', async () => {
          await world.createProvider(neighbour, name, { server: 'minio' });
          await world.kube.untilReady('Provider', neighbour, name, newProviderWithinMs);
        })),
      );
      const provided = performance.now() - began;
      let besideMs = 0;
      findings.push(...(await tryOut('harm', async () => (besideMs = longestOf(await editsOfNeighbour())))));
      findings.push(...(await tryOut('harm', () => judge?.())));
      console.log(
        `FIGURE ${siege.threat}: a neighbour's change ${besideMs.toFixed(0)} ms (alone ${usualMs.toFixed(0)}), its new Provider ${provided.toFixed(0)} ms`,
      );
      findings.push(...(await tryOut('broken', end)));
      findings.push(...(await given.findings()));
      findings.push(...(await tryOut('twin', () => siege.twin(given))));
    } finally {
      await given.close();
    }
    conclude(siege.threat, findings);
  });

  it('has its own objects Ready, and no Warning more', async () => {
    await until(
      () => world.kube.list('Bucket', neighbour),
      (buckets) => buckets.length > 0,
      { what: 'the neighbour is there' },
    );
    await world.kube.untilReady('Bucket', neighbour, 'canary');
    expect(await world.findLeaks()).toEqual([]);
  });
});
