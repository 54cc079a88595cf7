import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startChild, waitUntilReady, type Child, type Lifetime } from '../child.ts';
import { createCgroup, enterCgroup } from './cgroup.ts';
import { nodeAddress, nodeName, onNode } from './settings.ts';

/**
 * A machine within this one: processes, mounts and network of its own, on a Debian system that it cannot change. All of it is
 * gone with its first process, however that one ends.
 */
export interface Machine {
  readonly child: Child;
  /** The control group for whatever runs containers on it; `<name>` below the root of each hierarchy. */
  readonly cgroup: string;
  /** What starts a program on it. As with nsenter, a signal to that process does not reach the program. */
  command(program: string, args: readonly string[]): { readonly command: string; readonly args: readonly string[] };
  /** Runs a program on it to its end; returns its output. @throws Error with its words */
  run(program: string, args: readonly string[], input?: Buffer): Promise<string>;
}

export interface MachineOptions {
  /** Root folder of a Debian system. */
  readonly system: string;
  /** Paths of programs, which it sees in `onNode.programs`. */
  readonly programs: readonly string[];
  /** It sees this as `onNode.folder`. */
  readonly folder: string;
  readonly logPath: string;
  readonly lifetime: Lifetime;
  readonly onStart?: ((started: Child) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws Error when it does not start */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { system, folder, programs, logPath, lifetime, signal } = options;
  mkdirSync(folder, { recursive: true });
  const cgroup = createCgroup();
  const namespaces = ['--mount', '--uts', '--net', '--pid', '--fork', '--kill-child=SIGKILL'];
  const child = await startChild({
    name: 'node',
    command: 'unshare',
    args: [...namespaces, '/bin/sh', '-ec', enter, 'enter', system, folder, nodeName, nodeAddress, ...programs],
    env: { PATH: debianPath },
    logPath,
    lifetime,
    // unshare ignores SIGTERM, and what is inside needs no graceful end.
    graceMs: 0,
    cgroup,
  });
  options.onStart?.(child);
  const command = (program: string, args: readonly string[]) => ({
    command: 'nsenter',
    args: [
      `--target=${child.pid}`,
      ...['--mount', '--uts', '--net', `--pid=/proc/${child.pid}/ns/pid_for_children`],
      ...[`--root=/proc/${child.pid}/root`, '--wdns=/'],
      ...['env', '-i', `PATH=${onNode.programs}:${debianPath}`, program, ...args],
    ],
  });
  const machine: Machine = {
    child,
    cgroup,
    command,
    async run(program, args, input) {
      const call = command(program, args);
      const pending = promisify(execFile)(call.command, call.args, {
        maxBuffer: 16 * 1024 * 1024,
        ...(signal ? { signal } : {}),
      });
      pending.child.stdin?.end(input);
      return (await pending).stdout;
    },
  };
  try {
    enterCgroup(cgroup, child.pid);
    await waitUntilReady(child, async () => existsSync(join(folder, 'is-up')), { signal });
    return machine;
  } catch (error) {
    await child.stop();
    throw error;
  }
}

const debianPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Runs as the machine's first process. Source: pivot_root(2) and mount_namespaces(7). */
const enter = `system=$1 folder=$2 name=$3 address=$4; shift 4
hostname "$name"
mount --bind "$system" "$system"
cd "$system"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
for part in run tmp var opt; do mount -t tmpfs tmpfs "$part"; done
mkdir var/lib var/log run/etc
cp -a etc/. run/etc
mount --bind run/etc etc
echo "127.0.0.1 localhost $name" >etc/hosts
: >etc/resolv.conf
mount --bind "$folder" srv
for program; do
  touch "opt/\${program##*/}"
  mount --bind "$program" "opt/\${program##*/}"
done
pivot_root . mnt
umount --lazy /mnt
mount -o remount,bind,ro /
mount --make-rshared /
ip link set lo up
ip link add node type bridge
ip address add "$address/24" dev node
ip link set node up
ip route add default dev node
echo 1 >/proc/sys/net/ipv4/ip_forward
touch /srv/is-up
exec catatonit -P`;
