import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundleController } from '../kept-bundle.ts';
import { freePort } from '../local/index.ts';
import { startController, type Controller, type ControllerPlace } from './controller.ts';
import { portIn } from './listening.ts';
import { until } from './until.ts';

let dir: string;
let place: ControllerPlace;
const controllers: Controller[] = [];
const others: Server[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'controller-'));
  await bundleController('policy', join(dir, 'bundles'));
  // A controller serves its health before it reaches an API server: there need not be one.
  const url = `http://127.0.0.1:${await freePort()}`;
  const kubeconfigPath = join(dir, 'kubeconfig');
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'none', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'nobody', user: { token: 'none' } }],
    contexts: [{ name: 'none', context: { cluster: 'none', user: 'nobody' } }],
    'current-context': 'none',
  };
  writeFileSync(kubeconfigPath, JSON.stringify(kubeconfig));
  place = {
    dir,
    bundles: join(dir, 'bundles'),
    controlPlane: { url, ca: '', caPath: '', adminToken: 'none', kubeconfigPath },
  };
});
afterEach(async () => {
  for (const controller of controllers.splice(0)) await controller.close();
  for (const other of others.splice(0)) await new Promise((closed) => other.close(closed));
});
afterAll(() => rmSync(dir, { recursive: true }));

const start = async (as: string, flags: readonly string[] = []) => {
  const controller = await startController('policy', place, { as, flags });
  controllers.push(controller);
  return controller;
};

/** Another program on a port of 127.0.0.1. */
const takePort = (port: number) =>
  new Promise<void>((resolve, reject) => {
    const other = createServer((_request, response) => response.end('another program'));
    other.once('error', reject);
    other.listen(port, '127.0.0.1', resolve);
    others.push(other);
  });

const portsOf = async (controller: Controller) => {
  const log = await controller.output();
  return ['/healthz', '/metrics'].map((path) => portIn(log, path) ?? 0);
};

describe('a controller in the harness', () => {
  it('comes back after a kill although other programs have taken its ports', async () => {
    const controller = await start('robbed');
    const ports = await until(
      () => portsOf(controller),
      (seen) => !seen.includes(0),
      { what: 'the controller listens' },
    );
    await controller.kill();
    for (const port of ports) await takePort(port);
    await controller.start();
    const text = await until(
      () => controller.metrics(),
      (seen) => seen.includes('wasabi_s3_operator_'),
      { what: 'the controller tells its own metrics', timeoutMs: 10_000 },
    );
    expect(text).not.toContain('another program');
    expect(await portsOf(controller)).not.toEqual(ports);
  });

  it('that ends although nobody asked it to is told with its log, and one that was asked is not', async () => {
    const controller = await start('falling');
    process.kill(controller.pid, 'SIGKILL');
    const told = await until(
      () => controller.ownEnd(),
      (seen) => seen !== undefined,
      { what: 'the end is told' },
    );
    expect(told).toMatch(/^falling was ended by SIGKILL; the end of .*falling\.log:\n.*"event":"listening"/s);
    const asked = await start('asked');
    await asked.kill();
    await asked.start();
    await asked.stop();
    expect(asked.ownEnd()).toBeUndefined();
  });

  it('that ends at its start is told at once, with what it said', async () => {
    await expect(start('refused', ['--no-such-flag'])).rejects.toThrow(/ended with status 2.*no-such-flag/s);
  });
});
