import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { bundleApp, nodeFlags } from '../bundle.ts';
import { controllerNames } from '../controllers.ts';
import { logTail, startChild, type Child } from '../local/child.ts';
import { installCrds } from '../local/crds.ts';
import { freePorts } from '../local/ports.ts';
import { startMinio, type S3Server } from '../local/s3-servers.ts';
import { inWords, narrate } from '../narrate.ts';
import { projectRoot } from '../paths.ts';
import { untilSignal } from '../signals.ts';
import { startTrialCluster, type TrialCluster } from './cluster.ts';
import { parseTrialCommand, type TrialCommand } from './command.ts';
import { describeConditions, describeReady, isReady, type TrialObject } from './objects.ts';
import { decodeSecret, proveKey } from './proof.ts';

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

/** The exit status. */
async function trial({ once, kind }: TrialCommand): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'wasabi-s3-operator-'));
  const controllers: Child[] = [];
  let cluster: TrialCluster | undefined;
  let minio: S3Server | undefined;
  let status = 1;
  try {
    cluster = await startTrialCluster({ dir, wantsKind: kind, log, signal });
    const { kubectl } = cluster;
    const [bundles, server] = await allEnded([
      narrate('bundling the four controllers', log, () =>
        Promise.all(controllerNames.map((app) => bundleApp(`apps/${app}-controller`))),
      ),
      startMinio({ dir: join(dir, 'minio'), log, signal }).then((server) => (minio = server)),
      narrate('installing the custom resource definitions', log, () => installCrds(kubectl)),
    ]);
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
          logPath: join(dir, `${app}-controller.log`),
          lifetime: 'parent',
        }),
      );
      log(`${app}-controller started, metrics at http://${address}/metrics`);
    }
    await applyExample(cluster, server);
    await waitUntilReady(cluster, controllers);
    for (const line of await prove(cluster)) log(`proved: ${line}`);
    log(`\n${await kubectl(['get', kinds])}`);
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
    await Promise.all(controllers.map((controller) => controller.stop(10_000)));
    await minio?.stop();
    await cluster?.stop();
  }
  if (status === 1 && readdirSync(dir).length > 0) console.error(`The logs stay in ${dir}`);
  else rmSync(dir, { recursive: true, force: true });
  return status;
}

/** As Promise.all, but a failure waits for the others: what they started is then known and can be stopped. */
async function allEnded<T extends readonly unknown[]>(work: { readonly [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(work);
  return Promise.all(work) as Promise<unknown> as Promise<T>;
}

/** The example as it lies in docs, but for the address of MinIO; and the Secret it names, with this run's credentials. */
async function applyExample({ kubectl }: TrialCluster, { endpoint, accessKey, secretKey }: S3Server): Promise<void> {
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

async function prove({ kubectl }: TrialCluster): Promise<string[]> {
  const name = await kubectl(['get', 'accesskey', 'quickstart', '-o', 'jsonpath={.status.secretName}']);
  const { data } = JSON.parse(await kubectl(['get', 'secret', name, '-o', 'json'])) as {
    readonly data: Record<string, string>;
  };
  return proveKey(decodeSecret(data));
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
