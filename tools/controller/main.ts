import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { localPaths } from '../local/state.ts';
import { localFolder, projectRoot } from '../paths.ts';
import { currentKubeconfig } from './kubeconfig.ts';

// usage: npm run controller -- bucket [flags of the controller]: one controller from its sources, begun anew when they change.

const names = readdirSync(join(projectRoot, 'apps')).map((app) => app.replace(/-controller$/, ''));
const [name, ...flags] = process.argv.slice(2);

try {
  if (name === undefined || !names.includes(name))
    throw new Error(`usage: npm run controller -- ${names.join('|')} [flags]`);
  const kubeconfig = currentKubeconfig(process.env, localPaths(localFolder).kubeconfig);
  console.error(`${name}-controller against ${kubeconfig}`);
  const main = join(projectRoot, 'apps', `${name}-controller`, 'src', 'main.ts');
  const child = spawn(process.execPath, ['--watch', '--watch-preserve-output', main, ...flags], {
    stdio: 'inherit',
    env: { ...process.env, KUBECONFIG: kubeconfig },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.once('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
