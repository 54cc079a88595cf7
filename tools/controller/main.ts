import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import pretty from 'pino-pretty';
import { localPaths } from '../local/state.ts';
import { localFolder, projectRoot } from '../paths.ts';
import { untilSignal } from '../signals.ts';
import { parseControllerCommand } from './command.ts';
import { currentKubeconfig } from './kubeconfig.ts';
import { runWithRestarts } from './restarts.ts';
import { watchSources } from './sources.ts';

// usage: npm run controller -- bucket [flags of the controller]: one controller from its sources, started again when they change.

const names = readdirSync(join(projectRoot, 'apps')).map((app) => app.replace(/-controller$/, ''));
const log = (line: string) => console.error(line);
const { signal } = untilSignal();

try {
  const { name, nodeFlags, flags } = parseControllerCommand(process.argv.slice(2), names, process.env);
  const kubeconfig = currentKubeconfig(process.env, localPaths(localFolder).kubeconfig);
  const app = `${name}-controller`;
  log(`${app} against ${kubeconfig}; the log says on which ports it listens`);
  process.exitCode = await runWithRestarts({
    file: process.execPath,
    args: [...nodeFlags, join(projectRoot, 'apps', app, 'src', 'main.ts'), ...flags],
    env: { ...process.env, KUBECONFIG: kubeconfig },
    log: (line) => log(`${app}: ${line}`),
    // For people; a pipe or a file gets the lines as they are.
    output: process.stdout.isTTY
      ? pretty({ ignore: 'pid,hostname,controller', translateTime: 'SYS:HH:MM:ss.l', singleLine: true })
      : undefined,
    signal,
    onChange: (changed) =>
      watchSources(projectRoot, app, changed, (error) => log(`cannot watch the sources: ${String(error)}`)),
  });
} catch (error) {
  log(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
