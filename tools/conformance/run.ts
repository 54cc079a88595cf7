import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import type { BucketFeature } from '@operator/api';
import type { Part } from '@operator/s3';
import { kmsKeyId, lackedBy, prepareSurroundings, surroundings, trailName } from '@operator/testing/declarations';
import { bundleControllers, controllerNames, forEach, startWorld, until, type World } from '../harness/index.ts';
import { startCeph } from '../local/ceph.ts';
import { s3Starters } from '../local/starters.ts';
import type { S3Server } from '../local/s3-servers.ts';
import { inWords, narrate } from '../narrate.ts';
import { localFolder } from '../paths.ts';
import { createBench, Lie, wordsOf, type Bench, type CaseResult, type Ending, type RawAnswer } from './bench.ts';
import { scenariosOn } from './cases/index.ts';
import { clean, namespacePrefix } from './cleaning.ts';
import { cleanUsers } from './cleaning-users.ts';
import type { OwnServer, RunCommand } from './command.ts';
import { tryIam, tryRaw } from './raw.ts';
import type { Profile, ProfileResult, Report } from './report.ts';
import type { Scenario, Try } from './scenario.ts';
import { clientOf, reach, type Target } from './target.ts';
import { byFeature, conclude, needsRaw } from './verdict.ts';
import { versionOfOperator, versionOfServer } from './version.ts';

interface RunOptions extends Pick<RunCommand, 'bucketPrefix' | 'profiles' | 'parallel'> {
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
  /** The command line that makes the same report. */
  readonly howToReproduce: string;
}

/** How the servers of the project are started for the suite: with what a person who runs them would give them. */
const environmentOf: Readonly<Partial<Record<OwnServer, Readonly<Record<string, string>>>>> = {
  minio: { MINIO_KMS_SECRET_KEY: `${kmsKeyId}:${Buffer.alloc(32, 'conformance').toString('base64')}` },
};

const prepareTrail = async (target: Target): Promise<void> => {
  const client = clientOf(target);
  await prepareSurroundings(client, lackedBy.moto).finally(() => client.destroy());
};

/** Starts one of the project's servers, which ends with `stop`. */
export const startOwn = async (
  name: OwnServer,
  given: { readonly log: (line: string) => void; readonly signal: AbortSignal },
): Promise<{ readonly target: Target; readonly stop: () => Promise<void> }> => {
  const dir = await mkdtemp(join(tmpdir(), 'conformance-'));
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    const env = environmentOf[name];
    const { events } = surroundings[name];
    const options = { dir, ...(env === undefined ? {} : { env }), ...given };
    const ceph = name === 'ceph' ? await startCeph({ ...options, topic: 'events' }) : undefined;
    const server: S3Server = ceph ?? (await s3Starters[name](options));
    const mfaDevice = await ceph?.createMfaDevice();
    const { endpoint, region, iamEndpoint, adminEndpoint, accessKey, secretKey } = server;
    const target: Target = {
      type: name === 'moto' ? 'aws' : name === 'minio' ? 'minio' : 'custom',
      endpoint,
      region,
      ...(iamEndpoint === undefined ? {} : { iamEndpoint }),
      ...(adminEndpoint === undefined ? {} : { adminEndpoint }),
      pathStyle: true,
      accessKey,
      secretKey,
      events,
      // It asks for no role that is there.
      ...(name === 'moto' ? { replicationRole: 'arn:aws:iam::123456789012:role/copies', trail: trailName } : {}),
      ...(mfaDevice === undefined ? {} : { mfaDevice }),
      known: { name, version: await versionOfServer(name) },
    };
    if (name === 'moto') await prepareTrail(target);
    return {
      target,
      async stop() {
        await server.stop();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
};

/**
 * Runs the operator against a server, all cases of the profiles, and removes what it made there, whatever happens.
 * @throws BadInput when the server cannot be reached; Error when the operator cannot be started; the signal's reason when aborted
 */
export const runConformance = async (target: Target, options: RunOptions): Promise<Report> => {
  const { log, signal, bucketPrefix } = options;
  await reach(target);
  const run = randomBytes(4).toString('hex');
  const prefix = `${bucketPrefix}${run}-`;
  const runs = join(localFolder, 'conformance');
  const { bundles, remove } = await narrate('bundling the four controllers', log, () => bundleControllers(runs));
  const clients: S3Client[] = [];
  let world: World | undefined;
  try {
    world = await narrate('starting a Kubernetes API', log, () =>
      startWorld(`run-${run}`, [], { bundles, folder: runs, proxies: false, signal }),
    );
    const namespace = `${namespacePrefix}${run}`;
    const given = { target, world, namespace, provider: 'server', prefix, signal };
    const bench = createBench({ ...given, onClient: (client) => void clients.push(client) });
    await signIn(bench);
    log(`run ${run}: buckets are named ${prefix}…, logs are in ${join(world.dir, 'logs')}`);
    const results: CaseResult[] = [];
    try {
      await runScenarios(bench, options, results);
      return await report(bench, options, results);
    } finally {
      await tidyUp(bench, prefix, log);
    }
  } finally {
    for (const client of clients) client.destroy();
    await world?.stop();
    await remove();
  }
};

/** The controllers, and the Provider with the credentials of the user. */
const signIn = async ({ world, kube, namespace, provider, target }: Bench): Promise<void> => {
  await world.createNamespace(namespace);
  const { accessKey, secretKey, sessionToken, ca, endpoint, iamEndpoint, adminEndpoint, region, type, pathStyle } =
    target;
  await kube.create('Secret', namespace, 'administrator', {
    stringData: {
      'access-key': accessKey,
      'secret-key': secretKey,
      ...(sessionToken === undefined ? {} : { 'session-token': sessionToken }),
      ...(ca === undefined ? {} : { 'ca.crt': ca }),
    },
  });
  const secret = { name: 'administrator' };
  await kube.create('Provider', namespace, provider, {
    spec: {
      type,
      endpoint,
      region,
      pathStyle,
      ...(iamEndpoint === undefined ? {} : { iamEndpoint }),
      ...(adminEndpoint === undefined ? {} : { adminEndpoint }),
      ...(ca === undefined ? {} : { tls: { caCertSecretRef: secret } }),
      auth: {
        accessKeySecretRef: secret,
        secretKeySecretRef: secret,
        ...(sessionToken === undefined ? {} : { sessionTokenSecretRef: secret }),
      },
    },
  });
  await Promise.all(controllerNames.map((name) => world.startController(name)));
  await kube.untilReady('Provider', namespace, provider);
};

const runScenarios = async (
  bench: Bench,
  { profiles, parallel, log, signal }: RunOptions,
  results: CaseResult[],
): Promise<void> => {
  const chosen = scenariosOn(bench).filter(({ profile }) => profiles.includes(profile));
  await forEach(chosen, parallel, signal, async (scenario) => {
    const it = tryFor(scenario, bench, (result) => {
      results.push(result);
      const failed = results.filter(({ ending }) => ending === 'fails').length;
      const { profile, feature, title, ending, seen, ms } = result;
      const word = ending === 'fails' ? 'FAILED' : 'passed';
      const count = `${String(results.length).padStart(3)}${failed === 0 ? '' : `, ${String(failed)} failed`}`;
      log(`[${count}] ${word}  ${profile}/${feature}: ${title} (${inWords(ms)})`);
      if (seen !== undefined) log(`      ${ending === 'fails' ? 'seen' : 'said'}: ${seen}`);
    });
    await scenario.run(bench, it);
  });
};

const tryFor =
  ({ profile }: Scenario, { signal }: Bench, record: (result: CaseResult) => void): Try =>
  async ({ feature, title, decides: isDecisive = false }, run) => {
    signal.throwIfAborted();
    const startedAt = performance.now();
    const end = (ending: Ending, found: Pick<CaseResult, 'seen' | 'raw'> = {}, isLie = false): Ending => {
      record({ profile, feature, title, isDecisive, ending, isLie, ms: performance.now() - startedAt, ...found });
      return ending;
    };
    try {
      const says = await run();
      if (says === undefined) return end('holds');
      const { unsupported: seen, raw } = says;
      return end('saysUnsupported', { seen, ...(raw === undefined ? {} : { raw }) });
    } catch (error) {
      signal.throwIfAborted();
      return end('fails', { seen: wordsOf(error) }, error instanceof Lie);
    }
  };

/** Where the operator did not make it so, a plain client tries by itself. */
const report = async (bench: Bench, options: RunOptions, results: readonly CaseResult[]): Promise<Report> => {
  const { target, kube, namespace, provider, signal } = bench;
  const raws = new Map<string, RawAnswer>();
  for (const [profile, features] of byFeature(results)) {
    for (const [feature, cases] of features) {
      if (!needsRaw(cases)) continue;
      signal.throwIfAborted();
      const known = cases.find(({ raw }) => raw !== undefined)?.raw;
      if (known !== undefined) raws.set(`${profile}/${feature}`, known);
      if (known === undefined && profile === 'Keys') raws.set(`${profile}/${feature}`, await tryIam(target));
      if (known !== undefined || profile !== 'Bucket') continue;
      const part = feature.split('.').at(-1) ?? feature;
      const bucket = await bench.createForeign(`raw-${part.toLowerCase()}`);
      raws.set(`${profile}/${feature}`, await tryRaw(bench.independent, bucket, part as BucketFeature | Part));
    }
  }
  // Two runs say the same: what each has of its own is left out.
  const { host } = new URL(target.endpoint);
  const plain = (text: string) => text.replaceAll(` at ${host}`, '').replaceAll(bench.named(''), '');
  const told = results.map((result) => (result.seen === undefined ? result : { ...result, seen: plain(result.seen) }));
  const found: readonly ProfileResult[] = conclude(told, (profile: Profile, feature) =>
    raws.get(`${profile}/${feature}`),
  );
  const version = (await kube.get('Provider', namespace, provider))?.status?.serverVersion;
  const shown = target.known ?? (await shownBy(target, version));
  return {
    apiVersion: 'conformance.s3.cloud37.dev/v1alpha1',
    kind: 'ConformanceReport',
    date: new Date().toISOString().slice(0, 10),
    implementation: { project: 'wasabi-s3-operator', ...(await versionOfOperator()) },
    server: { ...shown, type: target.type },
    howToReproduce: options.howToReproduce,
    profiles: found,
  };
};

/** What the server says of itself: to the operator, or in the header that names it. */
const shownBy = async (target: Target, told: string | undefined): Promise<{ name: string; version: string }> => {
  const header = await serverHeader(target);
  const [name = 'does not say', version = 'does not say'] = (told ?? header ?? '').split(/[\s/]+/).filter(Boolean);
  return { name, version };
};

const serverHeader = async (target: Target): Promise<string | undefined> => {
  const client = clientOf(target);
  let header: string | undefined;
  client.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const { headers } = answer.response as { readonly headers?: Readonly<Record<string, string>> };
      header = headers?.server;
      return answer;
    },
    { step: 'deserialize' },
  );
  await client.send(new HeadBucketCommand({ Bucket: 'conformance-no-such-bucket' })).catch(() => undefined);
  client.destroy();
  return header;
};

/** The operator removes what it made, as long as it can. */
const letGo = async ({ kube, namespace }: Bench): Promise<void> => {
  for (const kind of ['AccessKey', 'BucketPolicy', 'Bucket'] as const) {
    for (const { metadata } of await kube.list(kind, namespace)) {
      await kube.patch(kind, namespace, metadata.name, {
        metadata: { annotations: { 's3.cloud37.dev/paused': null } },
        // Emptied by us: an operator that fails at it would hold the object.
        ...(kind === 'Bucket' ? { spec: { deletionPolicy: 'Retain' } } : {}),
      });
      await kube.delete(kind, namespace, metadata.name);
    }
    await until(
      () => kube.list(kind, namespace),
      (left) => left.length === 0,
      { what: `all objects of ${kind} are gone`, timeoutMs: 30_000, show: () => 'some are left' },
    );
  }
};

/** Removes what a run made, also after Ctrl-C: by the operator first, then what is left past it. */
const tidyUp = async (bench: Bench, prefix: string, log: (line: string) => void): Promise<void> => {
  const { namespace, target } = bench;
  log('removing what the run made');
  await letGo(bench).catch((error: unknown) => log(wordsOf(error)));
  // A client of its own: those of the run end with it.
  const client = clientOf(target);
  try {
    const left =
      (await clean(client, prefix, { ofThisRun: true, log })) + (await cleanUsers(target, { namespace, log }));
    if (left > 0) log(`${String(left)} things are left at ${target.endpoint}; try --clean later.`);
  } finally {
    client.destroy();
  }
};
