import { readdir, readFile } from 'node:fs/promises';

/** Linux counts CPU time in these. Source: proc_pid_stat(5); getconf CLK_TCK is 100 wherever Node runs. */
const ticksPerSecond = 100;

/** CPU time of a process in seconds, user and system, of all its threads. @throws Error when there is no such process */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold spaces; utime and stime are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Memory of a process in MiB: what is resident, and the most that ever was. @throws Error when there is no such process */
export async function memoryOf(pid: number): Promise<{ readonly resident: number; readonly peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
  return { resident: mebibytes('VmRSS'), peak: mebibytes('VmHWM') };
}

export interface RunningProcess {
  readonly pid: number;
  /** The command line, its words separated by spaces. */
  readonly command: string;
}

/**
 * The processes that run now and were started with this variable in their environment. Whoever is started with one that is
 * its own is found with all its descendants, also those whose parent has ended.
 */
export async function processesWith(name: string, value: string): Promise<RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const environment = await readFile(`/proc/${pid}/environ`, 'utf8'); // empty of a zombie: it runs no more
        if (!environment.split('\0').includes(`${name}=${value}`)) return [];
        const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
        return [{ pid: Number(pid), command: command.split('\0').join(' ').trim() }];
      } catch {
        return []; // ended in between, or another user's
      }
    }),
  );
  return found.flat();
}
