import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nodeEnvironment, nodeFlags } from '../bundle.ts';
import { controllerNames } from '../controllers.ts';
import { bundleController } from '../kept-bundle.ts';
import { logTail, startChild, type Child } from '../local/child.ts';
import { installCrds } from '../local/crds.ts';
import { freePorts } from '../local/ports.ts';
import { kubectlFor } from '../local/kubectl.ts';
import { startNodeCluster } from '../local/node/start.ts';
import { startMinio, type S3Server } from '../local/s3-servers.ts';
import { inWords, narrate } from '../narrate.ts';
import { projectRoot } from '../paths.ts';
import { untilSignal } from '../signals.ts';
import { startTrialCluster, type TrialCluster } from './cluster.ts';
import { parseTrialCommand, type TrialCommand } from './command.ts';
import { describeConditions, describeReady, isReady, type TrialObject } from './objects.ts';
import { installOnNode, proveOnNode } from './on-node.ts';
import { decodeSecret, proveKey, type IssuedSecret } from './proof.ts';

// npm start: the operator on a control plane and a MinIO of its own, with the quickstart example, and a proof that it works.

/** The example's manifests, in the order a person would apply them. */
const manifests = ['provider', 'bucket', 'bucket-policy', 'access-key'];
const kinds = 'providers,buckets,bucketpolicies,accesskeys';
/** Where provider.yaml expects MinIO; ours takes a free port, and this alone is replaced. */
const exampleEndpoint = 'http://127.0.0.1:9000';
const patienceMs = 120_000;

const log = (line: string) => console.log(line);
const { signal } = untilSignal();
const startedAt = performance.now();

try {
  process.exitCode = await trial(parseTrialCommand(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}

/** What the example meets: a cluster in which the operator runs, and MinIO at an address that the operator reaches. */
interface Scene {
  readonly cluster: TrialCluster;
  readonly storage: Pick<S3Server, 'endpoint' | 'accessKey' | 'secretKey'>;
  /** Uses the key in a Secret; one line for each thing proved. */
  readonly prove: (secretName: string) => Promise<string[]>;
}

/** What has been started, to be ended in reverse. */
interface Started {
  readonly dir: string;
  readonly controllers: Child[];
  readonly ends: (() => Promise<unknown>)[];
}

/** The exit status. */
async function trial({ once, node, kind }: TrialCommand): Promise<number> {
  const started: Started = { dir: mkdtempSync(join(tmpdir(), 'wasabi-s3-operator-')), controllers: [], ends: [] };
  const { dir, controllers } = started;
  let status = 1;
  try {
    const { cluster, storage, prove } = node ? await onNode(started) : await onThisMachine(started, kind);
    await applyExample(cluster, storage);
    await waitUntilReady(cluster, controllers);
    const secretName = ['get', 'accesskey', 'quickstart', '-o', 'jsonpath={.status.secretName}'];
    for (const line of await prove(await cluster.kubectl(secretName))) log(`proved: ${line}`);
    log(`\n${await cluster.kubectl(['get', kinds])}`);
    log(`The trial holds, ${inWords(performance.now() - startedAt)} after its start.`);
    status = 0;
    if (!once) {
      log(`Its kubeconfig: ${cluster.kubeconfigPath}`);
      log(`Look around: ${cluster.kubectlPath} --kubeconfig ${cluster.kubeconfigPath} describe bucket quickstart`);
      log(`Logs: ${dir}. Ctrl-C stops everything.`);
      await stayed(controllers);
    }
  } catch (error) {
    if (!signal.aborted) {
      status = 1;
      console.error(`\nThe trial failed: ${error instanceof Error ? error.message : String(error)}`);
      for (const { logPath, name } of controllers)
        console.error(`\n${name}, the end of ${logPath}:\n${logTail(logPath, 8)}`);
    } else if (status !== 0) {
      status = 130;
      console.error('interrupted');
    }
  } finally {
    for (const end of started.ends.toReversed()) await end();
  }
  if (status === 1 && readdirSync(dir).length > 0) console.error(`The logs stay in ${dir}`);
  else rmSync(dir, { recursive: true, force: true });
  return status;
}

/** The four controllers and MinIO as processes of this machine. */
async function onThisMachine({ dir, controllers, ends }: Started, wantsKind: boolean): Promise<Scene> {
  const cluster = await startTrialCluster({ dir, wantsKind, log, signal });
  ends.push(() => cluster.stop());
  const [bundles, storage] = await allEnded([
    narrate('bundling the four controllers', log, () =>
      Promise.all(controllerNames.map((name) => bundleController(name, join(dir, 'bundles')))),
    ),
    startMinio({ dir: join(dir, 'minio'), log, signal }).then((server) => {
      ends.push(() => server.stop());
      return server;
    }),
    narrate('installing the custom resource definitions', log, () => installCrds(cluster.kubectl)),
  ]);
  ends.push(() => Promise.all(controllers.map((controller) => controller.stop(10_000))));
  const ports = await freePorts(controllerNames.length);
  for (const [index, app] of controllerNames.entries()) {
    const address = `127.0.0.1:${ports[index] ?? 0}`;
    controllers.push(
      await startChild({
        name: `${app}-controller`,
        command: process.execPath,
        args: [
          ...nodeFlags,
          bundles[index] ?? '',
          // With the Lease, so that a controller started by hand stands by and does not write beside this one.
          `--kubeconfig=${cluster.kubeconfigPath}`,
          ...[`--metrics-address=${address}`, `--health-address=${address}`],
        ],
        env: nodeEnvironment,
        logPath: join(dir, `${app}-controller.log`),
        lifetime: 'parent',
      }),
    );
    log(`${app}-controller started, metrics at http://${address}/metrics`);
  }
  return { cluster, storage, prove: async (secretName) => proveKey(await secretOf(cluster, secretName)) };
}

/** Everything in pods, as it is shipped. */
async function onNode({ dir, ends }: Started): Promise<Scene> {
  const started = await startNodeCluster({ dir: join(dir, 'cluster'), log, signal });
  ends.push(() => started.stop());
  const cluster = { ...started, kubectl: kubectlFor(started.kubectlPath, started.kubeconfigPath, signal) };
  const storage = await installOnNode(cluster, { dir, log, signal });
  return { cluster, storage, prove: (secretName) => proveOnNode(cluster, secretName) };
}

/** As Promise.all, but a failure waits for the others: what they started is then known and can be stopped. */
async function allEnded<T extends readonly unknown[]>(work: { readonly [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(work);
  return Promise.all(work) as Promise<unknown> as Promise<T>;
}

/** The example as it lies in docs, but for the address of MinIO; and the Secret it names, with this run's credentials. */
async function applyExample(
  { kubectl }: TrialCluster,
  { endpoint, accessKey, secretKey }: Scene['storage'],
): Promise<void> {
  const example = (name: string) => readFileSync(join(projectRoot, 'docs/examples/quickstart', `${name}.yaml`), 'utf8');
  const credentials = example('credentials.template')
    .replace('<access key id>', accessKey)
    .replace('<secret access key>', secretKey);
  await kubectl(['apply', '-f', '-'], credentials);
  for (const name of manifests) await kubectl(['apply', '-f', '-'], example(name).replace(exampleEndpoint, endpoint));
  log(`applied docs/examples/quickstart, with ${endpoint} in place of ${exampleEndpoint}`);
}

/** Tells every change of a verdict while people wait. @throws Error with all conditions when it takes too long */
async function waitUntilReady({ kubectl }: TrialCluster, controllers: readonly Child[]): Promise<void> {
  const told = new Map<string, string>();
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const { items } = JSON.parse(await kubectl(['get', kinds, '-o', 'json'])) as {
      readonly items: readonly TrialObject[];
    };
    for (const object of items) {
      const line = describeReady(object);
      if (told.get(object.kind) !== line) log(line);
      told.set(object.kind, line);
    }
    if (items.length === manifests.length && items.every(isReady)) return;
    const dead = controllers.find((controller) => controller.ended() !== undefined);
    if (dead) throw new Error(`${dead.name} ${dead.ended() ?? ''}`);
    if (performance.now() > deadline) {
      throw new Error([`not all Ready within ${patienceMs / 1000} s`, ...items.flatMap(describeConditions)].join('\n'));
    }
    await delay(500, undefined, { signal });
  }
}

async function secretOf({ kubectl }: TrialCluster, name: string): Promise<IssuedSecret> {
  const { data } = JSON.parse(await kubectl(['get', 'secret', name, '-o', 'json'])) as {
    readonly data: Record<string, string>;
  };
  return decodeSecret(data);
}

/** Until Ctrl-C. @throws Error when a controller ends by itself */
async function stayed(controllers: readonly Child[]): Promise<void> {
  const interrupted = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
  const keepAlive = setInterval(() => undefined, 60_000);
  const dead = await Promise.race([
    interrupted,
    ...controllers.map((controller) => controller.exited.then(() => controller)),
  ]);
  clearInterval(keepAlive);
  if (dead) throw new Error(`${dead.name} ${dead.ended() ?? ''} by itself`);
  log('\nstopping …');
}
