import { spawnSync } from 'node:child_process';

/** Where Kubernetes mounts the service account. Source: Kubernetes, accessing the API from a pod. */
const mount = '/run/secrets/kubernetes.io/serviceaccount';

/** A mount namespace of its own; who is not root gets a user namespace too. */
const unshare = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--user', '--map-root-user'];

const script = `set -e
mount -t tmpfs tmpfs /run
mkdir -p ${mount}
cp "$1" ${mount}/token
cp "$2" ${mount}/ca.crt
printf default > ${mount}/namespace
shift 2
exec "$@"`;

/** True where this machine lets a process have mounts of its own: then a controller can be started as in a pod. */
export const canBePod = (): boolean =>
  spawnSync('unshare', [...unshare, 'mount', '-t', 'tmpfs', 'tmpfs', '/run']).status === 0;

/**
 * The command that runs `command` with a service account's token and CA where a pod finds them, and with no other mount changed.
 * The process keeps its pid. `tokenPath`, `caPath`: files that are copied; not below /run.
 */
export const asPod = (
  command: string,
  args: readonly string[],
  { tokenPath, caPath }: { readonly tokenPath: string; readonly caPath: string },
): { readonly command: string; readonly args: readonly string[] } => ({
  command: 'unshare',
  args: [...unshare, 'sh', '-c', script, 'sh', tokenPath, caPath, command, ...args],
});
