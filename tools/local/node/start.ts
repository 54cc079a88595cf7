import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { createLayer } from '../../images/layer.ts';
import { ownArchitecture, writeLayout } from '../../images/oci-layout.ts';
import { startChild, waitUntilReady, type Child } from '../child.ts';
import {
  controlPlaneProcesses,
  serviceNetwork,
  startControlPlane,
  type ControlPlane,
  type ControlPlaneOptions,
} from '../control-plane.ts';
import { refuseDebian } from '../servers/debian.ts';
import { obtainServers, Unobtainable, type ObtainOptions } from '../servers/obtain.ts';
import { startMachine, type Machine } from './machine.ts';
import {
  cniConfig,
  containerdConfig,
  egressSelector,
  kubeletConfig,
  kubeProxyConfig,
  nodeAddress,
  nodeKubeconfig,
  nodeName,
  onNode,
  pauseImage,
} from './settings.ts';

export type NodeClusterOptions = Pick<
  ControlPlaneOptions,
  'dir' | 'apiServerArgs' | 'lifetime' | 'onStart' | 'log' | 'signal'
>;

/** A control plane as in `startControlPlane`, and one node that runs pods, in a network of its own. */
export interface NodeCluster extends ControlPlane {
  /** Loads an OCI image layout, under the name that its index has. */
  loadImage(layout: string): Promise<void>;
  /** Runs containerd's client on the node; returns its output. @throws Error with its words */
  ctr(args: readonly string[]): Promise<string>;
  /** Runs a program on the node to its end; returns its output. @throws Error with its words */
  runOnNode(program: string, args: readonly string[]): Promise<string>;
}

/** What the processes of a cluster are called, in the order of their start. */
export const nodeClusterProcesses = [
  ...controlPlaneProcesses,
  'kube-scheduler',
  'node',
  'link',
  'containerd',
  'kubelet',
  'kube-proxy',
  'kube-router',
] as const;

const ofNode = [
  ...(['kubelet', 'kube-proxy', 'kube-router'] as const),
  ...(['containerd', 'containerd-shim-runc-v2', 'ctr'] as const),
  ...(['ptp', 'host-local', 'loopback'] as const),
] as const;

/** The servers of a cluster, beside what its node stands on. */
export const nodeClusterServers = [
  ...(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'] as const),
  ...ofNode,
] as const;

/** The root folder of the system that a node stands on. @throws Unobtainable when there is none, or when nobody may run a node here */
export async function obtainNodeSystem(options: ObtainOptions = {}): Promise<string> {
  const refusal = await refuseDebian();
  if (refusal !== undefined) throw new Unobtainable(`a node cannot be had: ${refusal}`);
  return (await obtainServers(['node-system'], options))['node-system'];
}

/** Of the name of a socket in the file system. Source: unix(7). */
const mostSocketBytes = 107;

/**
 * The control plane listens on 127.0.0.1, the node in its own network alone. Root on Debian only.
 * @throws Unobtainable when it cannot be had; Error when it does not start
 */
export async function startNodeCluster(options: NodeClusterOptions): Promise<NodeCluster> {
  const { dir, signal, lifetime = 'parent', log = () => undefined } = options;
  const obtaining = { log, ...(signal ? { signal } : {}) };
  const system = await obtainNodeSystem(obtaining);
  const programs = await obtainServers(nodeClusterServers, obtaining);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = (name: string) => join(dir, name);
  const folder = path('node');
  rmSync(folder, { recursive: true, force: true }); // what a node before it kept
  mkdirSync(join(folder, 'cni'), { recursive: true });
  const socket = path('link.sock');
  rmSync(socket, { force: true });
  if (Buffer.byteLength(socket) > mostSocketBytes)
    throw new Error(`${socket} is too long for the name of a socket: use a folder with a shorter path`);
  writeFileSync(path('egress.json'), egressSelector(socket));

  const started: Child[] = [];
  const controlPlane = await startControlPlane({
    ...options,
    scheduler: true,
    users: [
      { name: `system:node:${nodeName}`, groups: ['system:nodes'] },
      { name: 'system:kube-proxy' },
      { name: 'kube-router', groups: ['system:masters'] },
    ],
    apiServerArgs: [
      `--egress-selector-config-file=${path('egress.json')}`,
      `--advertise-address=${nodeAddress}`,
      '--endpoint-reconciler-type=lease',
      '--kubelet-preferred-address-types=InternalIP',
      ...(options.apiServerArgs ?? []),
    ],
  });
  const stop = async () => {
    for (const child of started.toReversed()) await child.stop();
    await controlPlane.stop();
  };
  const note = (child: Child) => {
    started.push(child);
    options.onStart?.(child);
    return child;
  };
  try {
    const machine = await startMachine({
      system,
      programs: ofNode.map((name) => programs[name]),
      folder,
      logPath: path('node.log'),
      lifetime,
      onStart: note,
      signal,
    });
    const onMachine = async (name: string, args: readonly string[]) =>
      note(await startChild({ name, ...machine.command(name, args), logPath: path(`${name}.log`), lifetime }));

    const port = Number(new URL(controlPlane.url).port);
    note(
      await startChild({
        name: 'link',
        command: process.execPath,
        args: [join(import.meta.dirname, 'link.ts'), 'outside', String(machine.child.pid), String(port), socket],
        logPath: path('link.log'),
        lifetime,
      }),
    );

    writeFileSync(join(folder, 'containerd.toml'), containerdConfig());
    writeFileSync(join(folder, 'cni/pods.conflist'), cniConfig());
    writeFileSync(join(folder, 'kubelet.json'), kubeletConfig(machine.cgroup));
    writeFileSync(join(folder, 'kube-proxy.json'), kubeProxyConfig());
    for (const user of [`system:node:${nodeName}`, 'system:kube-proxy', 'kube-router']) {
      const kubeconfig = nodeKubeconfig({ port, ca: controlPlane.ca, token: controlPlane.tokenFor(user) });
      writeFileSync(join(folder, basename(onNode.kubeconfigOf(user))), kubeconfig, { mode: 0o600 });
    }

    const containerd = await onMachine('containerd', [`--config=${onNode.folder}/containerd.toml`]);
    await waitUntilReady(containerd, async () => (await ctr(machine, ['version'])) !== '', { signal });
    await loadPause(machine, folder, system);
    const kubelet = await onMachine('kubelet', [
      `--config=${onNode.folder}/kubelet.json`,
      `--kubeconfig=${onNode.kubeconfigOf(`system:node:${nodeName}`)}`,
      `--root-dir=${onNode.folder}/kubelet`,
      `--hostname-override=${nodeName}`,
      `--node-ip=${nodeAddress}`,
    ]);
    await onMachine('kube-proxy', [`--config=${onNode.folder}/kube-proxy.json`]);
    const readiness = ['get', 'node', nodeName, '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'];
    await waitUntilReady(kubelet, async () => (await controlPlane.kubectl(readiness)) === 'True', {
      signal,
      everyMs: 250,
      timeoutMs: 180_000,
    });
    const router = await onMachine('kube-router', [
      ...['--run-firewall', '--run-router=false', '--run-service-proxy=false', '--health-port=0'],
      `--kubeconfig=${onNode.kubeconfigOf('kube-router')}`,
      `--hostname-override=${nodeName}`,
      `--service-cluster-ip-range=${serviceNetwork}`,
    ]);
    const chain = ['--list-rules', 'KUBE-ROUTER-FORWARD'];
    await waitUntilReady(router, async () => (await machine.run('iptables', chain)) !== '', { signal, everyMs: 250 });
    log(`node ready; its processes have the log files in ${dir}`);
    return {
      ...controlPlane,
      loadImage: (layout) => loadImage(machine, folder, layout),
      ctr: (args) => ctr(machine, args),
      runOnNode: (program, args) => machine.run(program, args),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const ctr = (machine: Machine, args: readonly string[]): Promise<string> =>
  machine.run('ctr', [`--address=${onNode.containerd}`, '--namespace=k8s.io', ...args]);

/** `folder`: the node's own. */
async function loadImage(machine: Machine, folder: string, layout: string): Promise<void> {
  const file = `${basename(layout)}.tar`;
  await promisify(execFile)('tar', ['-cf', join(folder, file), '-C', layout, '.']);
  await ctr(machine, ['images', 'import', `${onNode.folder}/${file}`]);
  rmSync(join(folder, file));
}

/** The image of the process that keeps a pod's namespaces. */
async function loadPause(machine: Machine, folder: string, system: string): Promise<void> {
  const content = readFileSync(join(system, 'usr/bin/catatonit')); // it needs no library
  const layer = await createLayer([{ path: 'catatonit', content, mode: 0o755 }]);
  const layout = join(folder, 'pause');
  const entrypoint = ['/catatonit', '-P'];
  await writeLayout(layout, pauseImage, [{ architecture: ownArchitecture, layers: [layer], entrypoint, labels: {} }]);
  await loadImage(machine, folder, layout);
}
