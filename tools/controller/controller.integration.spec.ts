import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
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
const start = (...flags: readonly string[]) => {
  const tmp = join(dir, 'tmp');
  mkdirSync(tmp, { recursive: true });
  return startCommand(['controller', 'bucket', '--leader-elect=false', ...flags], {
    tmp,
    env: { KUBECONFIG: controlPlane.kubeconfigPath },
  });
};
beforeEach(async () => {
  const [health] = (await freePorts(1)) as [number];
  healthUrl = `http://127.0.0.1:${health}/readyz`;
  command = start(`--health-address=127.0.0.1:${health}`);
});
afterEach(() => command.destroy());

const sources = (app: string) => join(projectRoot, 'apps', app, 'src');
const main = join(sources('bucket-controller'), 'main.ts');

const pidOf = async (program: string) =>
  (await command.processes()).find(({ command: line }) => line.includes(program))?.pid;
/** The pid of the controller itself, not of what watches its sources; undefined while there is none. */
const controllerPid = () => pidOf(main);

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

/** Saves a file as many editors, sed and git do: another file takes its place. It keeps its content. */
const save = (path: string) => {
  copyFileSync(path, `${path}~`);
  renameSync(`${path}~`, path);
};

describe('npm run controller -- bucket', () => {
  it('runs the controller from its sources, and again whenever one of them is saved, until SIGTERM', async () => {
    const first = await untilReady();
    expect(command.output()).toContain(`bucket-controller against ${controlPlane.kubeconfigPath}`);
    save(join(sources('bucket-controller'), 'reconciler.ts'));
    const second = await untilReady(first);
    save(join(sources('bucket-controller'), 'reconciler.ts'));
    const third = await untilReady(second);
    save(join(projectRoot, 'libs/runtime/src/run-controller.ts'));
    await untilReady(third);

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

  it.each(['tools/bootstrap.mjs', 'tools/controller/main.ts'])(
    'leaves no process when %s is killed',
    async (program) => {
      await untilReady();
      process.kill((await pidOf(program)) ?? NaN, 'SIGKILL');
      await command.untilGone();
    },
  );

  it('runs beside another on ports of this machine, with a debugger', async () => {
    const other = start('--inspect=127.0.0.1:0');
    await other.untilSaid(/Debugger listening on ws:\/\/127\.0\.0\.1:\d+/);
    await other.untilSaid(/"host":"127\.0\.0\.1","port":\d+,"paths":\["\/metrics"\]/);
    await untilReady();
    other.kill('SIGTERM');
    expect(await other.ended, other.output()).toBe(0);
  });

  it('ends with the status of a controller that refuses its flags', async () => {
    const other = start('--workers=none');
    expect(await other.ended, other.output()).toBe(2);
    expect(other.output()).toContain('--workers: "none" is not valid');
  });
});
