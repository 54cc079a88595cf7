import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** `address:port` of every TCP socket on which this process listens; an IPv6 address but ::1 as the kernel writes it. Linux only. */
export function listeningAddresses(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        return undefined; // closed in between
      }
    }),
  );
  return ['tcp', 'tcp6'].flatMap((family) =>
    readFileSync(`/proc/net/${family}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(inode))
      .map(([, local = '']) => {
        const [address = '', port = ''] = local.split(':');
        return `${readAddress(address)}:${parseInt(port, 16)}`;
      }),
  );
}

/** Source: Linux, proc_pid_net(5): an address is hexadecimal, its bytes in the order of the machine, here little-endian. */
function readAddress(hex: string): string {
  if (hex === '00000000000000000000000001000000') return '::1';
  if (hex.length !== 8) return hex;
  return (hex.match(/../g) ?? [])
    .map((byte) => parseInt(byte, 16))
    .toReversed()
    .join('.');
}
