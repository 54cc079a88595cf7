import { mkdirSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCommand, type Command } from '../harness/command.ts';
import { until } from '../harness/until.ts';
import { startControlPlane, type ControlPlane } from '../local/control-plane.ts';
import { installCrds } from '../local/crds.ts';
import { freePorts } from '../local/ports.ts';
import { projectRoot } from '../paths.ts';

let dir: string;
let controlPlane: ControlPlane;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'controller-'));
  controlPlane = await startControlPlane({ dir: join(dir, 'control-plane'), controllerManager: false });
  await installCrds(controlPlane.kubectl);
});
afterAll(async () => {
  await controlPlane.stop();
  rmSync(dir, { recursive: true });
});

let command: Command;
let healthUrl: string;
beforeEach(async () => {
  const tmp = join(dir, 'tmp');
  mkdirSync(tmp, { recursive: true });
  const [metrics, health] = (await freePorts(2)) as [number, number];
  healthUrl = `http://127.0.0.1:${health}/readyz`;
  const addresses = [`--metrics-address=127.0.0.1:${metrics}`, `--health-address=127.0.0.1:${health}`];
  command = startCommand(['controller', 'bucket', '--leader-elect=false', ...addresses], {
    tmp,
    env: { KUBECONFIG: controlPlane.kubeconfigPath },
  });
});
afterEach(() => command.destroy());

const sources = (app: string) => join(projectRoot, 'apps', app, 'src');
const main = join(sources('bucket-controller'), 'main.ts');

/** The pid of the controller itself, not of what watches its sources; undefined while there is none. */
const controllerPid = async () =>
  (await command.processes()).find(({ command: line }) => line.includes(main) && !line.includes('--watch '))?.pid;

/** Waits until a controller other than `before` is ready; returns its pid. */
const untilReady = (before?: number) =>
  until(
    async () => {
      const pid = await controllerPid();
      const { ok } = await fetch(healthUrl);
      return ok && pid === (await controllerPid()) ? pid : undefined;
    },
    (pid) => pid !== undefined && pid !== before,
    { what: 'the controller is ready', timeoutMs: 60_000, show: () => command.output() },
  );

/** A file changes for whoever watches it, and keeps its content. */
const touch = (path: string) => utimesSync(path, new Date(), new Date());

describe('npm run controller -- bucket', () => {
  it('runs the controller from its sources, anew when one of them changes, until SIGTERM', async () => {
    const first = await untilReady();
    expect(command.output()).toContain(`bucket-controller against ${controlPlane.kubeconfigPath}`);
    touch(join(sources('bucket-controller'), 'reconciler.ts'));
    const second = await untilReady(first);
    touch(join(projectRoot, 'libs/runtime/src/run-controller.ts'));
    await untilReady(second);

    command.kill('SIGTERM');
    expect(await command.ended, command.output()).toBe(0);
    await command.untilGone();
  });

  it('ends on Ctrl-C with no process left', async () => {
    await untilReady();
    command.interrupt();
    expect(await command.ended, command.output()).toBe(0);
    await command.untilGone();
  });
});
