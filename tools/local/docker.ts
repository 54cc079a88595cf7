import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whether a Docker engine answers, not merely its client. */
export async function dockerAnswers(): Promise<boolean> {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 10_000 });
    return true;
  } catch {
    return false; // no client, or no engine behind it
  }
}

/**
 * The user whose files a container's files in a mounted folder are to be, as `docker run --user` takes it: ours. Undefined where
 * the engine itself runs as an ordinary user: there the container's root is that user already, and any other is nobody.
 * Source: docs.docker.com, "Rootless mode".
 */
export async function containerUser(): Promise<string | undefined> {
  const { stdout } = await run('docker', ['info', '--format', '{{json .SecurityOptions}}'], { timeout: 10_000 });
  return stdout.includes('name=rootless') ? undefined : `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
}
