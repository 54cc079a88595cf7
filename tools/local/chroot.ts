import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Why no program can be run by `inChroot` here, in words that follow "cannot be had:"; undefined when one can. */
export async function refuseChroot(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'it runs on Linux only';
  if (process.getuid?.() !== 0) return 'it needs root, for a Debian system in a folder of its own';
  try {
    await promisify(execFile)('unshare', ['--mount', 'true'], { timeout: 10_000 });
    return undefined;
  } catch {
    return 'nothing may be mounted here (unshare --mount is refused): a container needs the capability SYS_ADMIN';
  }
}

/**
 * The command that runs a program inside another system's root folder, with /proc, /dev and /sys, and a folder of ours if wanted.
 * What is mounted for it is mounted for it alone and is gone with it, however it ends. The process is the program itself: signals
 * reach it. Root on Linux only. `bind`: the folder `from` of this system is seen as `to`, an existing folder of the other.
 */
export function inChroot(
  root: string,
  [program, ...args]: readonly [string, ...string[]],
  bind: { readonly from: string; readonly to: string } = { from: '', to: '' },
): { readonly command: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  return {
    command: 'unshare',
    args: ['--mount', '/bin/sh', '-ec', enter, 'enter', root, bind.from, bind.to, program, ...args],
    // Where the programs of a Debian system are, whatever this one's PATH is.
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
  };
}

const enter = `root=$1 from=$2 to=$3; shift 3
for part in proc dev sys; do mount --bind "/$part" "$root/$part"; done
[ -z "$from" ] || mount --bind "$from" "$root$to"
exec chroot "$root" "$@"`;
